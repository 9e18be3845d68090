import type { HttpRequest, HttpResponse, Route } from "../ports/listener.ts";

/** Faces that later layers bring: their paths answer 501 with a hint until then. */
const COMING: readonly (readonly [path: string, what: string])[] = [
  ["/console", "the web console comes later; use the command line"],
];

/** Liveness, readiness, and the places of faces to come. `isReady` turns true when the hub has started. */
export function healthRoutes(isReady: () => boolean): readonly Route[] {
  return [
    get("/healthz", () => json(200, { status: "ok" })),
    get("/readyz", () => (isReady() ? json(200, { status: "ready" }) : json(503, { status: "starting" }))),
    ...COMING.map(([path, hint]) =>
      get(path, () => errorAnswer(501, "unimplemented", "not built yet", hint)),
    ),
  ];
}

/** The answer to calls that come on open connections while the hub stops. */
export function drainingAnswer(): HttpResponse {
  const error = {
    code: "unavailable",
    message: "the hub is stopping",
    hint: "connect again and repeat the call",
    retry_after_s: 1,
  };
  return { ...json(503, { error }), headers: { "content-type": "application/json", "retry-after": "1" } };
}

/** The answer to a path that nobody has, in the words of REST, which is what a stranger speaks. */
export function notFoundAnswer(): HttpResponse {
  return errorAnswer(
    404,
    "not_found",
    "no such path",
    "GET /openapi.json lists the calls, /docs shows them; GET /healthz says that the hub is up",
  );
}

export function methodNotAllowedAnswer(_request: HttpRequest, allowed: readonly string[]): HttpResponse {
  return errorAnswer(405, "invalid_argument", "this path has no such method", `use ${allowed.join(" or ")}`);
}

/** The answer to a WebSocket request's path opened without an upgrade. */
export function upgradeRequiredRoute(path: string): Route {
  return get(path, () =>
    errorAnswer(426, "invalid_argument", "this path is a WebSocket", "connect with a WebSocket client"),
  );
}

function get(path: string, answer: () => HttpResponse): Route {
  return { method: "GET", path, handle: async () => answer() };
}

function errorAnswer(status: number, code: string, message: string, hint: string): HttpResponse {
  return json(status, { error: { code, message, hint } });
}

function json(status: number, value: unknown): HttpResponse {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(value) };
}
