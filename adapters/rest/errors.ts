import {
  type ErrorCode,
  errorJson,
  type HttpResponse,
  type Logger,
  loggedMeshError,
  type MeshError,
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
  failed_precondition: 409,
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

export function responseFromError(error: MeshError): HttpResponse {
  return {
    status: STATUS_FROM_CODE[error.code],
    headers: { "content-type": "application/json", "cache-control": "no-store", ...headersFromError(error) },
    body: errorJson(error),
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
  return loggedMeshError(thrown, { adapter: "rest", route }, logger);
}
