import { constants, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from "node:http2";
import type { Duplex } from "node:stream";
import {
  type MethodDefinition,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  setLogger,
  type UntypedServiceImplementation,
} from "@grpc/grpc-js";
import type { RpcMethod, RpcService } from "../../ports/rpc.ts";
import type { RpcLimits } from "../../ports/rpc-listener.ts";
import type { CallDeps } from "./call-deps.ts";
import { guardConnection } from "./connection-guard.ts";
import { limitRequestTime } from "./request-deadline.ts";
import { serverStreamHandler } from "./server-stream.ts";
import { sessionHandler } from "./session-call.ts";
import { unaryHandler } from "./unary-call.ts";

/** Unread bytes that a client may have under way: more than a far connection takes in a round trip. */
const WINDOW_BYTES = 1_048_576;
/** Pages of an inbox are about 1 MiB; a page of channel messages can be larger. */
const MAX_SENT_BYTES = 64 * 1_048_576;

export interface GrpcServer {
  /** Speaks HTTP/2 on a connection that is ready for it; `greeted` is called when the client has begun to. */
  take(socket: Duplex, greeted: () => void): void;
  /** No more calls on the open connections; those under way go on. */
  goAway(): void;
  /** Ends all connections at once. */
  destroy(): void;
}

export interface GrpcServerOptions {
  readonly services: readonly RpcService[];
  readonly limits: RpcLimits;
  readonly deps: CallDeps;
}

/** gRPC over connections that somebody else accepts. The only place that sees the library's server. */
export function createGrpcServer({ services, limits, deps }: GrpcServerOptions): GrpcServer {
  // What it would write to the console, handlers and the guard see as errors.
  setLogger({ debug: nothing, info: nothing, error: nothing });
  const server = new Server({
    "grpc.enable_channelz": 0,
    "grpc.max_concurrent_streams": limits.concurrentCalls,
    "grpc.max_receive_message_length": deps.maxMessageBytes,
    "grpc.max_send_message_length": MAX_SENT_BYTES,
    "grpc.max_connection_idle_ms": limits.idleMs,
    "grpc.keepalive_time_ms": limits.pingEveryMs,
    "grpc.keepalive_timeout_ms": limits.pingAnswerMs,
  });
  const newest: { session?: ServerHttp2Session; stream?: ServerHttp2Stream } = {};
  const newestCut = (): (() => void) => {
    const { stream } = newest;
    return () => stream?.close(constants.NGHTTP2_CANCEL);
  };
  for (const row of services) addService(server, row, deps, newestCut);
  const injector = server.createConnectionInjector(ServerCredentials.createInsecure());
  const http2Server = http2ServerOf(server);
  http2Server.updateSettings({
    initialWindowSize: WINDOW_BYTES,
    maxHeaderListSize: limits.headerBytes,
    enablePush: false,
  });
  http2Server.on("session", (session) => {
    newest.session = session;
    session.setLocalWindowSize(WINDOW_BYTES);
  });
  // Before the library's own listener, which calls the handler of a session at once.
  const sessionPaths = new Set(services.flatMap(pathsOfSessions));
  http2Server.prependListener("stream", (stream, headers) => {
    newest.stream = stream;
    if (!sessionPaths.has(String(headers[":path"]))) limitRequestTime(stream, limits.requestMs);
  });
  return {
    take(socket, greeted) {
      const { session: before } = newest;
      injector.injectConnection(socket);
      // The session is there at once, unless the client did not agree on HTTP/2.
      const { session } = newest;
      if (session === undefined || session === before) return;
      guardConnection(session, socket, limits);
      session.once("remoteSettings", greeted);
    },
    goAway: () => injector.destroy(),
    destroy: () => server.forceShutdown(),
  };
}

/** Of the methods whose frames come when they come. */
function pathsOfSessions({ service, methods }: RpcService): string[] {
  return methods.filter(({ kind }) => kind === "session").map(({ method }) => pathOf(service, method.name));
}

function pathOf({ typeName }: RpcService["service"], name: string): string {
  return `/${typeName}/${name}`;
}

function addService(
  server: Server,
  { service, methods }: RpcService,
  deps: CallDeps,
  newestCut: () => () => void,
): void {
  const definition: Record<string, MethodDefinition<Buffer, Buffer>> = {};
  const implementation: UntypedServiceImplementation = {};
  for (const rpc of methods) {
    const name = rpc.method.name;
    definition[name] = methodDefinition(pathOf(service, name), rpc.kind);
    if (rpc.kind === "unary") implementation[name] = unaryHandler(rpc, deps);
    else if (rpc.kind === "server_streaming") implementation[name] = serverStreamHandler(rpc, deps);
    else implementation[name] = sessionHandler(rpc, deps, newestCut);
  }
  server.addService(definition satisfies ServiceDefinition, implementation);
}

/** Bytes as they are: messages are read and written where their errors are the hub's own. */
function methodDefinition(path: string, kind: RpcMethod["kind"]): MethodDefinition<Buffer, Buffer> {
  return {
    path,
    requestStream: kind === "session",
    responseStream: kind !== "unary",
    requestSerialize: same,
    requestDeserialize: same,
    responseSerialize: same,
    responseDeserialize: same,
  };
}

function same(bytes: Buffer): Buffer {
  return bytes;
}

/**
 * The library hides its HTTP/2 server, and with it what limits headers, windows, pings and resets.
 * @throws when another version of the library keeps it elsewhere
 */
function http2ServerOf(server: Server): Http2Server {
  const servers: unknown = Reflect.get(server, "http2Servers");
  const [http2Server] = servers instanceof Map ? servers.keys() : [];
  if (!isHttp2Server(http2Server)) throw new Error("@grpc/grpc-js keeps its HTTP/2 server elsewhere");
  return http2Server;
}

function isHttp2Server(value: unknown): value is Http2Server {
  return typeof value === "object" && value !== null && "updateSettings" in value;
}

function nothing(): void {
  // The library's messages name addresses and methods only, and repeat what its answers say.
}
