import type { HttpHandler, HttpRequest, HttpResponse, Route, SocketHandler } from "../ports/listener.ts";
import type { RpcService } from "../ports/rpc.ts";
import { createAccessLog } from "../telemetry/access-log.ts";
import type { Metrics } from "../telemetry/metrics/metrics.ts";
import type { HubOptions } from "./hub-options.ts";

/** Wraps what faces serve, so that operators see it: measured, and logged when the level is `debug`. */
export interface FaceWatch {
  routes(adapter: string, routes: readonly Route[]): readonly Route[];
  services(adapter: string, services: readonly RpcService[]): readonly RpcService[];
  sockets(adapter: string, handler: SocketHandler): SocketHandler;
  handler(adapter: string, handler: HttpHandler): HttpHandler;
  answers(
    adapter: string,
    answer: (request: HttpRequest) => HttpResponse,
  ): (request: HttpRequest) => HttpResponse;
}

export function createFaceWatch({ config, logger }: HubOptions, { http, rpc }: Metrics): FaceWatch {
  // Otherwise nothing is made for lines that nobody writes.
  const access = config.logLevel === "debug" ? createAccessLog(logger) : undefined;
  return {
    ...http,
    routes: (adapter, routes) => http.routes(adapter, access?.routes(adapter, routes) ?? routes),
    services: (adapter, services) => rpc.services(adapter, access?.services(adapter, services) ?? services),
    sockets: (adapter, handler) => access?.sockets(adapter, handler) ?? handler,
  };
}
