import { CliError } from "../cli-error.ts";
import { EXIT, exitCodeFromErrorCode, exitCodeFromStatus } from "../exit-code.ts";
import { type Answer, isAnswer, numberMember, objectMember, objectsMember, textMember } from "./answer.ts";
import { parseExactJson } from "./exact-json.ts";

const TIMEOUT_MS = 30_000;

/** Where to call and as whom. */
export interface HubAccess {
  /** Without a slash at the end. */
  readonly url: string;
  /** API key, token or admin token; undefined = nobody. Never shown. */
  readonly bearer: string | undefined;
}

export interface HubCall {
  /** Starts with a slash; ids in it are encoded by `pathOf`. */
  readonly path: string;
  readonly method?: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Members that are undefined are left out. */
  readonly query?: Readonly<Record<string, string | number | undefined>>;
  /** An object, or JSON text that is sent as it is. */
  readonly body?: Readonly<Record<string, unknown>> | string;
  /** How long the hub itself may hold the answer back. */
  readonly waitS?: number;
  readonly signal?: AbortSignal;
}

/** Joins path segments, each encoded. */
export function pathOf(...segments: readonly string[]): string {
  return segments.map((segment) => `/${encodeURIComponent(segment)}`).join("");
}

/**
 * One REST call. An answer without a body is an empty object. Nothing is tried twice.
 * @throws CliError with the hub's own words, or retryable when the hub cannot be reached
 */
export async function callHub(access: HubAccess, call: HubCall): Promise<Answer> {
  const response = await fetchHub(access, call);
  const text = await readText(access, response);
  if (response.status >= 300 && response.status < 400) throw redirected(access, response);
  const value = response.status === 204 || text === "" ? {} : parseAnswer(text);
  if (!response.ok) throw errorFromAnswer(response, value);
  if (isAnswer(value)) return value;
  throw new CliError(`${access.url} does not answer like a MeshKore hub`, {
    exitCode: EXIT.refused,
    code: "not_a_hub",
    hint: "check --url or MESHKORE_URL",
  });
}

async function fetchHub(access: HubAccess, call: HubCall): Promise<Response> {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(call.query ?? {})) {
    if (value !== undefined) query.set(name, String(value));
  }
  const headers: Record<string, string> = { accept: "application/json" };
  if (access.bearer !== undefined) headers["authorization"] = `Bearer ${access.bearer}`;
  if (call.body !== undefined) headers["content-type"] = "application/json";
  const timeout = AbortSignal.timeout(TIMEOUT_MS + (call.waitS ?? 0) * 1000);
  const search = query.size === 0 ? "" : `?${query}`;
  try {
    return await fetch(access.url + call.path + search, {
      method: call.method ?? "GET",
      headers,
      redirect: "manual",
      signal: call.signal === undefined ? timeout : AbortSignal.any([timeout, call.signal]),
      ...(call.body === undefined
        ? {}
        : { body: typeof call.body === "string" ? call.body : JSON.stringify(call.body) }),
    });
  } catch (cause) {
    throw unreachableError(access.url, cause);
  }
}

/** The hub cannot be reached, or went away while it answered. */
export function unreachableError(url: string, cause: unknown): CliError {
  return new CliError(`cannot reach the hub at ${url}${reasonFrom(cause)}`, {
    exitCode: EXIT.retryable,
    code: "unavailable",
    hint: "is it running ('meshkore start'), and is --url or MESHKORE_URL right?",
    cause,
  });
}

/** From `{code, message, hint}` as the hub sends it in a frame. */
export function errorFromDetail(detail: Answer, status?: number): CliError {
  const code = textMember(detail, "code") ?? "refused";
  return new CliError(textMember(detail, "message") ?? `the hub refused with ${status ?? code}`, {
    exitCode: status === undefined ? exitCodeFromErrorCode(code) : exitCodeFromStatus(status),
    code,
    hint: textMember(detail, "hint"),
    retryAfterS: numberMember(detail, "retry_after_s"),
  });
}

function errorFromAnswer(response: Response, value: unknown): CliError {
  const detail = detailFromAnswer(value);
  const retryAfterS = Number(response.headers.get("retry-after") ?? Number.NaN);
  if (detail["retry_after_s"] !== undefined || Number.isNaN(retryAfterS)) {
    return errorFromDetail(detail, response.status);
  }
  return errorFromDetail({ ...detail, retry_after_s: retryAfterS }, response.status);
}

/** REST wraps its errors; Connect puts the hub's own words into the first detail. */
function detailFromAnswer(value: unknown): Answer {
  if (!isAnswer(value)) return {};
  if (value["error"] !== undefined) return objectMember(value, "error");
  const told = objectMember(objectsMember(value, "details")[0] ?? {}, "debug");
  const code = textMember(told, "code")?.replace("ERROR_CODE_", "").toLowerCase();
  return {
    code: code ?? textMember(value, "code"),
    message: textMember(value, "message"),
    hint: textMember(told, "hint"),
    retry_after_s: told["retryAfterS"],
  };
}

async function readText(access: HubAccess, response: Response): Promise<string> {
  try {
    return await response.text();
  } catch (cause) {
    throw unreachableError(access.url, cause);
  }
}

function parseAnswer(text: string): unknown {
  try {
    return parseExactJson(text);
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function redirected(access: HubAccess, response: Response): CliError {
  return new CliError(`${access.url} redirects to ${response.headers.get("location") ?? "somewhere else"}`, {
    exitCode: EXIT.refused,
    code: "redirected",
    hint: "keys are not sent on to another place; give the hub's own URL with --url",
  });
}

function reasonFrom(thrown: unknown): string {
  if (!(thrown instanceof Error)) return "";
  if (thrown.name === "TimeoutError") return ": no answer in time";
  // fetch says only "fetch failed"; what happened is in its cause.
  const { cause } = thrown;
  if (cause instanceof Error && "code" in cause) return `: ${String(cause.code)}`;
  return cause instanceof Error && cause.message !== "" ? `: ${cause.message}` : "";
}
