import { MeshError, meshErrorFromUnknown } from "../../model/errors.ts";
import { type Principal, requireAdmin } from "../../model/principal.ts";
import type { HttpRequest, HttpResponse, Route } from "../../ports/listener.ts";
import type { Logger } from "../../ports/logger.ts";

export interface MetricsRouteDeps {
  readonly metrics: { render(): Promise<string>; readonly contentType: string };
  readonly authenticate: (bearer: string | undefined, remoteAddress: string) => Promise<Principal>;
  /** Whether callers from this address need no token. */
  readonly isReader: (address: string) => boolean;
  readonly logger: Logger;
}

const STATUS: Readonly<Partial<Record<MeshError["code"], number>>> = {
  unauthenticated: 401,
  permission_denied: 403,
  rate_limited: 429,
  internal: 500,
};
/** Only a proxy sets these: then the near end of the connection is not who asks. */
const PROXY_HEADERS = ["x-forwarded-for", "forwarded", "via", "x-real-ip"] as const;

/**
 * GET /metrics in Prometheus' text format, for the operator's token and for readers by address. A proxy on the same
 * machine makes every caller look local, so an address is believed only in a request that no proxy has touched.
 */
export function metricsRoute(deps: MetricsRouteDeps): Route {
  return {
    method: "GET",
    path: "/metrics",
    async handle(request) {
      try {
        await checkReader(deps, request);
        const { metrics } = deps;
        const headers = { "content-type": metrics.contentType, "cache-control": "no-store" };
        return { status: 200, headers, body: await metrics.render() };
      } catch (thrown) {
        const error = meshErrorFromUnknown(thrown);
        if (error.code === "internal") deps.logger.error("metrics.failed", { error });
        return refusal(error);
      }
    },
  };
}

/** @throws MeshError unauthenticated, permission_denied, rate_limited */
async function checkReader(
  { authenticate, isReader }: MetricsRouteDeps,
  { headers, remoteAddress }: HttpRequest,
): Promise<void> {
  const authorization = headers.get("authorization");
  if (authorization === undefined) {
    if (isReader(remoteAddress) && !PROXY_HEADERS.some((name) => headers.has(name))) return;
    throw new MeshError("unauthenticated", "metrics are for the operator", {
      hint: "send the operator's token as bearer, or let your address in with MESHKORE_METRICS_ACCESS",
    });
  }
  const bearer = /^bearer +([^\s,]+)\s*$/i.exec(authorization)?.[1] ?? "";
  requireAdmin(await authenticate(bearer, remoteAddress));
}

function refusal(error: MeshError): HttpResponse {
  const { code, message, hint, retryAfterS } = error;
  return {
    status: STATUS[code] ?? 503,
    headers: {
      "content-type": "application/json",
      ...(code === "unauthenticated" && { "www-authenticate": "Bearer" }),
      ...(retryAfterS !== undefined && { "retry-after": String(Math.max(1, Math.ceil(retryAfterS))) }),
    },
    body: JSON.stringify({ error: { code, message, hint: hint ?? "" } }),
  };
}
