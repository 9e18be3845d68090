import { type MeshError, retryAfterFromError } from "../../model/errors.ts";

/** `{error:{code, message, hint, retry_after_s?}}` as text; what the `cause` holds stays inside. */
export function errorJson(error: MeshError): string {
  const retryAfterS = retryAfterFromError(error);
  return JSON.stringify({
    error: {
      code: error.code,
      message: error.message,
      hint: error.hint ?? "",
      ...(retryAfterS !== undefined && { retry_after_s: retryAfterS }),
    },
  });
}
