import { MeshError } from "../model/errors.ts";
import type { HttpResponse } from "../ports/listener.ts";
import { statusLine } from "./status-line.ts";

export interface ResponseHead {
  /** As in "200 OK". */
  readonly statusLine: string;
  readonly headers: readonly (readonly [name: string, value: string])[];
  /** 204 and 304 have no body and no content-length. */
  readonly hasBody: boolean;
}

const NAME = /^[a-z0-9!#$%&'*+.^_`|~-]+$/;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what it looks for.
const UNSAFE_VALUE = /[\x00-\x08\x0a-\x1f\x7f]/;

/** Framing belongs to the listener. */
const OWN_HEADERS: ReadonlySet<string> = new Set([
  "connection",
  "content-length",
  "date",
  "keep-alive",
  "transfer-encoding",
  "upgrade",
]);

/**
 * Checks the head of a response before a byte of it is written; headers of framing are left out.
 * @throws MeshError internal when a header could be read as another header or as a body, or the status is not final
 */
export function checkedHead(response: HttpResponse): ResponseHead {
  const { status } = response;
  if (!Number.isInteger(status) || status < 200 || status > 599) {
    throw new MeshError("internal", `${status} is not the status of an answer`);
  }
  const headers: [string, string][] = [];
  for (const [name, value] of Object.entries(response.headers)) {
    if (!NAME.test(name) || UNSAFE_VALUE.test(value)) {
      throw new MeshError("internal", `the response header ${JSON.stringify(name)} is not fit to be sent`);
    }
    if (!OWN_HEADERS.has(name)) headers.push([name, value]);
  }
  return { statusLine: statusLine(status), headers, hasBody: status !== 204 && status !== 304 };
}

/** What a client is told when a handler failed against its contract: nothing about why. */
export const INTERNAL_RESPONSE = {
  status: 500,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    error: {
      code: "internal",
      message: "the hub failed to handle this call",
      hint: "try again; if it repeats, ask the operator to look into the hub's log",
    },
  }),
} satisfies HttpResponse;
