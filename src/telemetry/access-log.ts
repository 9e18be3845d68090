import type { DescMethod } from "@bufbuild/protobuf";
import { MeshError } from "../model/errors.ts";
import type { Route, SocketConnection, SocketHandler, SocketSession } from "../ports/listener.ts";
import type { Logger } from "../ports/logger.ts";
import type { RpcMethod, RpcService } from "../ports/rpc.ts";

/**
 * A line at `debug` for every call and every connection that carries a session. It names the route's pattern and never
 * the path, the query, a header or the body: those may hold nonces, tickets, tokens and payloads.
 */
export interface AccessLog {
  routes(adapter: string, routes: readonly Route[]): readonly Route[];
  services(adapter: string, services: readonly RpcService[]): readonly RpcService[];
  sockets(adapter: string, handler: SocketHandler): SocketHandler;
}

export function createAccessLog(logger: Logger): AccessLog {
  return {
    routes: (adapter, routes) => routes.map((route) => loggedRoute(logger, adapter, route)),
    services: (adapter, services) =>
      services.map(({ service, methods }) => ({
        service,
        methods: methods.map((method) => loggedMethod(logger, adapter, method)),
      })),
    sockets: (adapter, handler) => (upgrade) => {
      const decision = handler(upgrade);
      if (decision.kind === "refuse") {
        logger.debug("session.refused", { adapter, status: decision.response.status });
        return decision;
      }
      return { ...decision, open: (connection) => loggedSession(logger, adapter, connection, decision.open) };
    },
  };
}

function loggedRoute(logger: Logger, adapter: string, route: Route): Route {
  const { method, path } = route;
  return {
    ...route,
    handle: async (request, params) => {
      const startMs = performance.now();
      const response = await route.handle(request, params);
      const facts = { adapter, method, route: path, status: response.status };
      logger.debug("request.answered", { ...facts, from: request.remoteAddress, tookMs: since(startMs) });
      return response;
    },
  };
}

function loggedMethod(logger: Logger, adapter: string, rpc: RpcMethod): RpcMethod {
  if (rpc.kind === "session") {
    return {
      ...rpc,
      open: (connection, context) =>
        loggedSession(logger, adapter, connection, (same) => rpc.open(same, context)),
    };
  }
  const told = (startMs: number, from: string, thrown?: unknown): void => {
    const code = thrown === undefined ? "ok" : thrown instanceof MeshError ? thrown.code : "internal";
    logger.debug("call.answered", {
      adapter,
      method: nameOf(rpc.method),
      code,
      from,
      tookMs: since(startMs),
    });
  };
  if (rpc.kind === "unary") {
    return {
      ...rpc,
      async handle(request, context) {
        const startMs = performance.now();
        try {
          const answer = await rpc.handle(request, context);
          told(startMs, context.remoteAddress);
          return answer;
        } catch (thrown) {
          told(startMs, context.remoteAddress, thrown);
          throw thrown;
        }
      },
    };
  }
  return {
    ...rpc,
    async *handle(request, context) {
      const startMs = performance.now();
      let failure: unknown;
      try {
        yield* rpc.handle(request, context);
      } catch (thrown) {
        failure = thrown;
        throw thrown;
      } finally {
        told(startMs, context.remoteAddress, failure);
      }
    },
  };
}

function loggedSession(
  logger: Logger,
  adapter: string,
  connection: SocketConnection,
  open: (connection: SocketConnection) => SocketSession,
): SocketSession {
  const startMs = performance.now();
  const from = connection.remoteAddress;
  logger.debug("session.opened", { adapter, from });
  const session = open(connection);
  return {
    message: (data, isBinary) => session.message(data, isBinary),
    drained: () => session.drained(),
    closed() {
      logger.debug("session.closed", { adapter, from, tookMs: since(startMs) });
      session.closed();
    },
  };
}

function nameOf({ parent, name }: DescMethod): string {
  return `${parent.typeName}/${name}`;
}

function since(startMs: number): number {
  return Math.round((performance.now() - startMs) * 10) / 10;
}
