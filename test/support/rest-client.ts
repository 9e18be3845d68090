export interface RestOptions {
  /** undefined or absent = no Authorization header. */
  readonly token?: string | undefined;
  /** Sent as JSON. */
  readonly body?: unknown;
  /** Sent as it is. */
  readonly raw?: string | Uint8Array<ArrayBuffer>;
  readonly headers?: Readonly<Record<string, string>>;
  readonly signal?: AbortSignal;
}

/** A message as GET /messages shows it; the fields that tests look at. */
export interface RestMessage {
  readonly id: string;
  readonly kind: string;
  readonly from: string;
  readonly to: string;
  readonly channel?: string;
  readonly reply_to?: string;
  readonly payload: unknown;
  readonly payload_base64?: string;
  readonly created_at: string;
  readonly cursor: string;
}

export interface RestRefusal {
  readonly code: string;
  readonly message: string;
  readonly hint: string;
  readonly retry_after_s?: number;
}

/** An answer of any shape. */
export interface RestAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** undefined when the answer is no JSON. */
  readonly json: unknown;
  /** A member of a JSON object; undefined when there is none. */
  field(name: string): unknown;
  /** @throws when the answer is no refusal of the form `{error:{…}}` */
  refusal(): RestRefusal;
  /** The `messages` of a page. @throws when there are none */
  messages(): readonly RestMessage[];
}

/** One call over a real socket. */
export async function restCall(
  base: string,
  method: string,
  path: string,
  options: RestOptions = {},
): Promise<RestAnswer> {
  const { token, body, raw, headers, signal } = options;
  const content = raw ?? (body === undefined ? undefined : JSON.stringify(body));
  const response = await fetch(base + path, {
    method,
    redirect: "manual",
    headers: {
      ...(token !== undefined && { authorization: `Bearer ${token}` }),
      ...(content !== undefined && { "content-type": "application/json" }),
      ...headers,
    },
    ...(content !== undefined && { body: content }),
    ...(signal !== undefined && { signal }),
  });
  return answerFrom(response, await response.text(), `${method} ${path}`);
}

function answerFrom(response: Response, text: string, call: string): RestAnswer {
  const isJson = (response.headers.get("content-type") ?? "").startsWith("application/json");
  const json: unknown = isJson ? JSON.parse(text) : undefined;
  const field = (name: string): unknown => Object(json)[name];
  const told = () => new Error(`${call} answered ${response.status} ${text.slice(0, 500)}`);
  return {
    status: response.status,
    headers: response.headers,
    text,
    json,
    field,
    refusal() {
      const { code, message, hint, retry_after_s: seconds } = Object(field("error"));
      if (typeof code !== "string" || typeof message !== "string" || typeof hint !== "string") throw told();
      return { code, message, hint, ...(typeof seconds === "number" && { retry_after_s: seconds }) };
    },
    messages() {
      const list = field("messages");
      if (!Array.isArray(list)) throw told();
      return list;
    },
  };
}
