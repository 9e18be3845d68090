import type { RpcLimits, RpcListener, RpcListenerOptions } from "../../ports/rpc-listener.ts";
import { BODY_TIMEOUT_MS } from "../listener-limits.ts";
import { createCallDeps } from "./call-deps.ts";
import { openEntrance } from "./entrance.ts";
import type { GrpcServer } from "./grpc-server.ts";
import { OpenCount } from "./open-count.ts";

const LIMITS: RpcLimits = {
  concurrentCalls: 256,
  connections: 20_000,
  headerBytes: 16_384,
  greetingMs: 10_000,
  requestMs: BODY_TIMEOUT_MS,
  idleMs: 30 * 60_000,
  pingEveryMs: 60_000,
  pingAnswerMs: 20_000,
  pings: { burst: 30, perMinute: 60 },
  resets: { burst: 200, perMinute: 1200 },
};

/** What was answered is on its way by then. */
const LAST_ANSWER_MS = 1000;

/**
 * Opens the port of gRPC. The library behind it is loaded with the first connection: a hub that nobody calls by gRPC
 * neither starts later nor needs more memory for it.
 * @throws MeshError unavailable when the address cannot be listened on, invalid_argument for unfit TLS files
 */
export async function openRpcListener(options: RpcListenerOptions): Promise<RpcListener> {
  const limits = { ...LIMITS, ...options.limits };
  const calls = new OpenCount();
  const state: { server: Promise<GrpcServer> | undefined; isStopping: boolean } = {
    server: undefined,
    isStopping: false,
  };
  const serve = async (): Promise<GrpcServer> => {
    const { createGrpcServer } = await import("./grpc-server.ts");
    const { maxMessageBytes, highWaterBytes, isTrustedProxy, onError } = options;
    const deps = createCallDeps({ calls, maxMessageBytes, highWaterBytes, isTrustedProxy, onError });
    return createGrpcServer({ services: await options.services(), limits, deps });
  };
  const entrance = await openEntrance({
    host: options.host,
    port: options.port,
    connections: limits.connections,
    greetingMs: limits.greetingMs,
    tls: options.tls,
    isTrustedProxy: options.isTrustedProxy,
    expectsProxyHeader: options.expectsProxyHeader ?? false,
    async onConnection(socket, greeted) {
      try {
        state.server ??= serve();
        const server = await state.server;
        if (state.isStopping || socket.destroyed) socket.destroy();
        else server.take(socket, greeted);
      } catch (thrown) {
        options.onError(thrown);
        socket.destroy();
      }
    },
  });
  return {
    port: entrance.port,
    reloadTls: () => entrance.reloadTls(),
    stopAccepting() {
      state.isStopping = true;
      entrance.stopAccepting();
      void state.server?.then((server) => server.goAway(), options.onError);
    },
    async settle(limitMs) {
      await calls.none(limitMs);
      // Connections end by themselves when the last answer has left.
      await entrance.empty(LAST_ANSWER_MS);
    },
    async close() {
      state.isStopping = true;
      (await state.server)?.destroy();
      await entrance.close();
    },
  };
}
