import { MeshError } from "../model/errors.ts";
import type { HttpRequest, HttpResponse, SocketHandler } from "../ports/listener.ts";

export interface CorsOptions {
  /** Origins as browsers send them ("https://app.example"), or "*" for every one. Localhost is always allowed. */
  readonly origins: readonly string[];
  /** Response headers that scripts may read. */
  readonly exposedHeaders?: readonly string[];
}

/** Which browser pages may talk to this hub. Callers that are no browsers send no Origin and are not concerned. */
export interface Cors {
  allows(origin: string): boolean;
  /** The response with what the browser needs to let the page read it. */
  decorate(request: HttpRequest, response: HttpResponse): HttpResponse;
  /** The answer to OPTIONS on a path that takes these methods. */
  preflight(request: HttpRequest, methods: readonly string[]): HttpResponse;
}

const LOCAL_ORIGIN = /^https?:\/\/(?:localhost|127\.0\.0\.1|\[::1\])(?::\d{1,5})?$/i;
const TOKENS = /^[\w!#$%&'*+.^`|~-]+(?:\s*,\s*[\w!#$%&'*+.^`|~-]+)*$/;
const EXPOSED = [
  "retry-after",
  "www-authenticate",
  "location",
  "a2a-extensions",
  // How gRPC-Web and Connect end a call.
  "grpc-status",
  "grpc-message",
  "grpc-status-details-bin",
  "content-encoding",
  "connect-content-encoding",
];
/** Browsers hold their answer at most 2 h; ten minutes let a change of the list through soon. */
const PREFLIGHT_MAX_AGE_S = 600;
const PREFLIGHT_VARY = [
  "origin",
  "access-control-request-method",
  "access-control-request-headers",
  "access-control-request-private-network",
].join(", ");

/**
 * The allow-list. Cookies are never in play, so credentials stay off.
 * @throws MeshError invalid_argument when an entry is no origin
 */
export function createCors(options: CorsOptions): Cors {
  const allowsAll = options.origins.includes("*");
  const listed = new Set(options.origins.filter((origin) => origin !== "*").map(checkedOrigin));
  const exposed = (options.exposedHeaders ?? EXPOSED).join(", ");

  const allows = (origin: string) =>
    allowsAll || LOCAL_ORIGIN.test(origin) || listed.has(origin.toLowerCase());
  const allowedOrigin = (request: HttpRequest) => {
    const origin = request.headers.get("origin");
    return origin !== undefined && allows(origin) ? origin : undefined;
  };

  return {
    allows,
    decorate(request, response) {
      const origin = allowedOrigin(request);
      const headers: Record<string, string> = { ...response.headers, vary: varyOf(response, "origin") };
      if (origin !== undefined) {
        headers["access-control-allow-origin"] = origin;
        headers["access-control-expose-headers"] = exposed;
      }
      return { ...response, headers };
    },
    preflight(request, methods) {
      const headers: Record<string, string> = {
        allow: methods.join(", "),
        vary: PREFLIGHT_VARY,
      };
      const origin = allowedOrigin(request);
      if (origin !== undefined && request.headers.has("access-control-request-method")) {
        headers["access-control-allow-origin"] = origin;
        headers["access-control-allow-methods"] = methods.join(", ");
        headers["access-control-max-age"] = String(PREFLIGHT_MAX_AGE_S);
        const wanted = request.headers.get("access-control-request-headers");
        if (wanted !== undefined && TOKENS.test(wanted)) headers["access-control-allow-headers"] = wanted;
        // A page of the open web asks so for a hub on this machine or network: the list says that it may.
        if (request.headers.get("access-control-request-private-network") === "true") {
          headers["access-control-allow-private-network"] = "true";
        }
      }
      return { status: 204, headers, body: "" };
    },
  };
}

/**
 * Refuses WebSocket upgrades of pages that are not on the list with 403: browsers do not guard WebSockets by
 * themselves. No Origin header = not a browser = allowed.
 */
export function guardSocketOrigin(cors: Cors, handler: SocketHandler): SocketHandler {
  return (upgrade) => {
    const origin = upgrade.headers.get("origin");
    if (origin === undefined || cors.allows(origin)) return handler(upgrade);
    return { kind: "refuse", response: FOREIGN_ORIGIN };
  };
}

const FOREIGN_ORIGIN: HttpResponse = {
  status: 403,
  headers: { "content-type": "application/json", vary: "origin" },
  body: JSON.stringify({
    error: {
      code: "permission_denied",
      message: "pages of this origin may not open sessions",
      hint: "ask the operator to add the origin to MESHKORE_CORS_ORIGINS",
    },
  }),
};

function checkedOrigin(text: string): string {
  const parsed = URL.canParse(text) ? new URL(text) : undefined;
  if (parsed !== undefined && parsed.origin === text.toLowerCase().replace(/\/$/, "")) return parsed.origin;
  throw new MeshError("invalid_argument", `"${text}" is not an origin`, {
    hint: 'write scheme, host and, if it is not the usual one, port: "https://app.example"',
  });
}

function varyOf(response: HttpResponse, name: string): string {
  const own = response.headers["vary"];
  return own === undefined || own === "" ? name : `${own}, ${name}`;
}
