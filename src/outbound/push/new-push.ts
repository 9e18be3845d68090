import { MeshError } from "../../model/errors.ts";
import type { NewPush } from "./push.ts";

const MAX_URL_CHARS = 2048;
const MAX_ID_CHARS = 128;
const MAX_SECRET_CHARS = 4096;
/** RFC 9110: a token, and what a header may hold without being folded or split. */
const SCHEME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
const HEADER_TEXT = /^[\t\x20-\x7e]*$/;

export interface PushProblem {
  /** The member of the new push that is wrong. */
  readonly field: "configId" | "url" | "token" | "scheme" | "credentials" | "after";
  /** What should be there. */
  readonly hint: string;
}

/** What is wrong with it in itself; undefined = nothing. */
export function problemOfPush(push: Omit<NewPush, "taskId">): PushProblem | undefined {
  const { configId, url, scheme = "", credentials = "", after } = push;
  if (configId !== undefined && (configId === "" || configId.length > MAX_ID_CHARS)) {
    return { field: "configId", hint: `give 1 to ${MAX_ID_CHARS} characters, or leave it out` };
  }
  if (url.length > MAX_URL_CHARS) return { field: "url", hint: `give at most ${MAX_URL_CHARS} characters` };
  const secret = (["token", "credentials"] as const).find((name) => !isHeaderText(push[name] ?? ""));
  if (secret !== undefined) {
    const hint = `it goes into a header: at most ${MAX_SECRET_CHARS} printable ASCII characters`;
    return { field: secret, hint };
  }
  if (scheme !== "" && !SCHEME.test(scheme)) {
    return { field: "scheme", hint: "name an HTTP scheme such as Bearer" };
  }
  if (scheme === "" && credentials !== "") {
    return { field: "scheme", hint: "credentials need one, such as Bearer" };
  }
  if (after !== undefined && (!Number.isSafeInteger(after) || after < 0)) {
    return { field: "after", hint: "give the sequence of an event" };
  }
  return undefined;
}

/** @throws MeshError invalid_argument */
export function checkNewPush(push: Omit<NewPush, "taskId">): void {
  const problem = problemOfPush(push);
  if (problem === undefined) return;
  const { field, hint } = problem;
  throw new MeshError("invalid_argument", `${field} of the push notification config is not usable`, { hint });
}

function isHeaderText(text: string): boolean {
  return text.length <= MAX_SECRET_CHARS && HEADER_TEXT.test(text);
}
