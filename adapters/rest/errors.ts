import {
  type ErrorCode,
  type HttpResponse,
  type Logger,
  type MeshError,
  meshErrorFromUnknown,
  retryAfterFromError,
} from "../../src/adapter-kit.ts";

/** The HTTP status of every error code. */
export const STATUS_FROM_CODE: Readonly<Record<ErrorCode, number>> = {
  malformed: 400,
  invalid_argument: 400,
  unauthenticated: 401,
  permission_denied: 403,
  not_found: 404,
  already_exists: 409,
  gone: 410,
  gap: 410,
  too_large: 413,
  rate_limited: 429,
  quota_exceeded: 429,
  internal: 500,
  unimplemented: 501,
  inbox_full: 503,
  storage_full: 503,
  unavailable: 503,
};

/** `{error:{code, message, hint, retry_after_s?}}`; what the `cause` holds stays inside. */
export function responseFromError(error: MeshError): HttpResponse {
  const retryAfterS = retryAfterFromError(error);
  const body = {
    error: {
      code: error.code,
      message: error.message,
      hint: error.hint ?? "",
      ...(retryAfterS !== undefined && { retry_after_s: retryAfterS }),
    },
  };
  return {
    status: STATUS_FROM_CODE[error.code],
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headersFromError(error) },
    body: JSON.stringify(body),
  };
}

/** What an error adds to the headers of its answer, in whatever form the body goes. */
export function headersFromError(error: MeshError): Readonly<Record<string, string>> {
  const retryAfterS = retryAfterFromError(error);
  return {
    ...(retryAfterS !== undefined && { "retry-after": String(retryAfterS) }),
    ...(error.code === "unauthenticated" && { "www-authenticate": "Bearer" }),
  };
}

/** Takes anything thrown; an internal error goes to the hub's log with its cause, named by the route's pattern. */
export function meshErrorFromThrown(thrown: unknown, route: string, logger: Logger): MeshError {
  const error = meshErrorFromUnknown(thrown);
  if (error.code === "internal") {
    const cause = error.cause ?? error;
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    logger.error("request.failed", { adapter: "rest", route, reason });
  }
  return error;
}
