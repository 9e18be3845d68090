import { addRoute, createRouter, findRoute } from "rou3";
import { MeshError, meshErrorFromUnknown } from "../model/errors.ts";
import type { HttpHandler, HttpRequest, HttpResponse, Route } from "../ports/listener.ts";
import type { Cors } from "./cors.ts";
import { decodeParams, isPlainPath } from "./request-path.ts";

/** A face that has all paths which start alike, whether it knows them or not. */
export interface PrefixMount {
  readonly prefix: string;
  readonly method: Route["method"];
  /** Never rejects. */
  readonly handle: HttpHandler;
}

export interface MountOptions {
  /** Of all faces. */
  readonly routes: readonly Route[];
  /** Looked at before the routes. */
  readonly prefixes?: readonly PrefixMount[];
  readonly cors: Cors;
  /** Answers a path that nobody has. */
  readonly notFound: (request: HttpRequest) => HttpResponse;
  /** Answers a path that has no such method; the allow header is set here. */
  readonly methodNotAllowed: (request: HttpRequest, allowed: readonly string[]) => HttpResponse;
  /** Answers a path whose parameters are not valid percent-encoding; else `notFound` does. */
  readonly badRequest?: (request: HttpRequest, error: MeshError) => HttpResponse;
}

type Table = ReturnType<typeof createRouter<Route>>;

const METHODS = ["GET", "POST", "PUT", "PATCH", "DELETE"] as const;

/**
 * The path table of all faces. A literal segment goes before a parameter; one slash at the end is tolerated;
 * paths with empty or dot segments match nothing. HEAD is served by GET (the listener leaves the body out),
 * OPTIONS by the CORS list.
 * @throws MeshError invalid_argument when two routes have equal method and path, or a path is not as Route says
 */
export function createHttpHandler(options: MountOptions): HttpHandler {
  const { cors } = options;
  const table = tableFromRoutes(options.routes);
  return async (request) => {
    if (request.method === "OPTIONS") {
      const methods = allowedMethods(table, options, request.path);
      if (methods.length > 0) return cors.preflight(request, methods);
      return cors.decorate(request, options.notFound(request));
    }
    return cors.decorate(request, await dispatch(table, options, request));
  };
}

function dispatch(
  table: Table,
  options: MountOptions,
  request: HttpRequest,
): HttpResponse | Promise<HttpResponse> {
  if (!isPlainPath(request.path)) return options.notFound(request);
  const mount = mountOf(options, request.path);
  if (mount !== undefined) {
    return request.method === mount.method ? mount.handle(request) : refuse(table, options, request);
  }
  const method = request.method === "HEAD" ? "GET" : request.method;
  const found = findRoute(table, method, request.path);
  if (found === undefined) return refuse(table, options, request);
  let params: Readonly<Record<string, string>>;
  try {
    params = found.params === undefined ? NO_PARAMS : decodeParams(found.params);
  } catch (error) {
    return options.badRequest?.(request, meshErrorFromUnknown(error)) ?? options.notFound(request);
  }
  return found.data.handle(request, params);
}

function mountOf({ prefixes }: MountOptions, path: string): PrefixMount | undefined {
  return prefixes?.find(({ prefix }) => path.startsWith(prefix));
}

const NO_PARAMS: Readonly<Record<string, string>> = Object.freeze({});

function refuse(table: Table, options: MountOptions, request: HttpRequest): HttpResponse {
  const methods = allowedMethods(table, options, request.path);
  if (methods.length === 0) return options.notFound(request);
  const response = options.methodNotAllowed(request, methods);
  return { ...response, headers: { ...response.headers, allow: methods.join(", ") } };
}

function allowedMethods(table: Table, options: MountOptions, path: string): readonly string[] {
  if (!isPlainPath(path)) return [];
  const mount = mountOf(options, path);
  if (mount !== undefined) return [mount.method, "OPTIONS"];
  const found: string[] = METHODS.filter((method) => findRoute(table, method, path, { params: false }));
  if (found.length === 0) return [];
  return [...found, ...(found.includes("GET") ? ["HEAD"] : []), "OPTIONS"];
}

function tableFromRoutes(routes: readonly Route[]): Table {
  const table = createRouter<Route>();
  const seen = new Set<string>();
  for (const route of routes) {
    const segments = segmentsOf(route);
    const key = `${route.method} /${segments.map((name) => (name.startsWith(":") ? ":" : name)).join("/")}`;
    if (seen.has(key)) {
      throw new MeshError("invalid_argument", `two routes are mounted at ${route.method} ${route.path}`, {
        hint: "give one of the two faces another path",
      });
    }
    seen.add(key);
    addRoute(table, route.method, `/${segments.map(patternFromSegment).join("/")}`, route);
  }
  return table;
}

const SEGMENT = /^(?::[A-Za-z_]\w*|[\w.~!$&'()*+,;=@%-][\w.~!$&'()*+,;=:@%-]*)$/;

function segmentsOf(route: Route): readonly string[] {
  if (route.path === "/") return [];
  const segments = route.path.slice(1).split("/");
  if (isPlainPath(route.path) && segments.every((segment) => SEGMENT.test(segment))) return segments;
  throw new MeshError("invalid_argument", `${route.path} is not a path that can be mounted`, {
    hint: 'write "/", then segments of text or ":name", with "/" between them and none at the end',
  });
}

/** Text in the router's own pattern language, where much of the punctuation that paths may hold means something. */
function patternFromSegment(segment: string): string {
  return segment.startsWith(":") ? segment : segment.replace(/[^\w%.~-]/g, "\\$&");
}
