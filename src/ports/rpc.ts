import type { DescMethod, DescService, MessageShape } from "@bufbuild/protobuf";
import type { MeshError } from "../model/errors.ts";
import type { SocketConnection, SocketSession } from "./listener.ts";

/**
 * What the wires of the native services (gRPC, Connect, gRPC-Web) and the services themselves agree on. One set of
 * handlers stands behind all wires; a wire only frames, and maps errors to its own status.
 */

/** What a wire knows of one call. */
export interface RpcContext {
  /** Names in lower case; repeated ones joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly remoteAddress: string;
  /** Aborted when the client went away or its deadline passed. */
  readonly signal: AbortSignal;
}

/** How a method says in its own protocol's words that the bytes of a request are none. */
export interface RpcRefusals {
  /** Absent = as the hub says it. */
  readonly unreadable?: (error: MeshError) => MeshError;
}

/** One message in, one out. Rejects with MeshError only. */
export interface UnaryRpc<Method extends DescMethod = DescMethod> extends RpcRefusals {
  readonly kind: "unary";
  readonly method: Method;
  handle(
    request: MessageShape<Method["input"]>,
    context: RpcContext,
  ): Promise<MessageShape<Method["output"]>>;
}

/**
 * One message in, many out. The wire asks for the next one when the client took those before, and calls `return` when
 * the client went away. Throws MeshError only.
 */
export interface ServerStreamRpc<Method extends DescMethod = DescMethod> extends RpcRefusals {
  readonly kind: "server_streaming";
  readonly method: Method;
  handle(
    request: MessageShape<Method["input"]>,
    context: RpcContext,
  ): AsyncIterable<MessageShape<Method["output"]>>;
}

/**
 * The session: frames in both directions, which are encoded messages of the method already. `close` of the connection
 * carries a code of WebSocket; the wire maps it to a status of its own.
 */
export interface SessionRpc {
  readonly kind: "session";
  readonly method: DescMethod;
  open(connection: SocketConnection, context: RpcContext): SocketSession;
}

export type RpcMethod = UnaryRpc | ServerStreamRpc | SessionRpc;

/** Every method of the service has its row. */
export interface RpcService {
  readonly service: DescService;
  readonly methods: readonly RpcMethod[];
}
