import { MeshError } from "../../model/errors.ts";
import type { NewPush } from "./push.ts";

const MAX_URL_CHARS = 2048;
const MAX_ID_CHARS = 128;
const MAX_SECRET_CHARS = 4096;
/** RFC 9110: a token, and what a header may hold without being folded or split. */
const SCHEME = /^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}$/;
const HEADER_TEXT = /^[\t\x20-\x7e]*$/;

/** What is wrong with it in itself. @throws MeshError invalid_argument */
export function checkNewPush({
  configId,
  url,
  token = "",
  scheme = "",
  credentials = "",
  after,
}: NewPush): void {
  if (configId !== undefined && (configId === "" || configId.length > MAX_ID_CHARS)) {
    throw invalid("id", `give 1 to ${MAX_ID_CHARS} characters, or leave it out`);
  }
  if (url.length > MAX_URL_CHARS) throw invalid("url", `give at most ${MAX_URL_CHARS} characters`);
  for (const [name, text] of Object.entries({ token, credentials })) {
    if (text.length > MAX_SECRET_CHARS || !HEADER_TEXT.test(text)) {
      throw invalid(name, `it goes into a header: at most ${MAX_SECRET_CHARS} printable ASCII characters`);
    }
  }
  if (scheme !== "" && !SCHEME.test(scheme)) throw invalid("scheme", "name an HTTP scheme such as Bearer");
  if (scheme === "" && credentials !== "") throw invalid("scheme", "credentials need one, such as Bearer");
  if (after !== undefined && (!Number.isSafeInteger(after) || after < 0)) {
    throw invalid("after", "give the sequence of an event");
  }
}

function invalid(field: string, hint: string): MeshError {
  return new MeshError("invalid_argument", `${field} of the push notification config is not usable`, {
    hint,
  });
}
