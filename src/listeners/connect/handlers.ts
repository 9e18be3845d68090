import type { DescMethodServerStreaming, DescMethodUnary, Message } from "@bufbuild/protobuf";
import { type ConnectRouter, createConnectRouter, type HandlerContext } from "@connectrpc/connect";
import type { UniversalHandler } from "@connectrpc/connect/protocol";
import { type MeshError, meshErrorFromUnknown } from "../../model/errors.ts";
import type { RpcContext, RpcService, ServerStreamRpc, UnaryRpc } from "../../ports/rpc.ts";
import { gzipCompression } from "./compression.ts";
import { connectErrorFromMeshError } from "./errors.ts";
import { CALL } from "./universal.ts";

/** Smaller answers go out as they are. */
const COMPRESS_MIN_BYTES = 4096;

export interface HandlerOptions {
  readonly services: readonly RpcService[];
  /** Of one message, unpacked. */
  readonly maxMessageBytes: number;
  /** Told of errors that are the hub's own fault. */
  readonly onError: (error: MeshError, procedure: string) => void;
}

/** The library's handlers, by the path of their procedure. Sessions are not among them. */
export function createHandlers(options: HandlerOptions): ReadonlyMap<string, UniversalHandler> {
  const router = createConnectRouter({
    // A port of its own serves it.
    grpc: false,
    acceptCompression: [gzipCompression],
    compressMinBytes: COMPRESS_MIN_BYTES,
    readMaxBytes: options.maxMessageBytes,
    // What a client of this hub does not know is more likely a slip than a field of the future.
    jsonOptions: { ignoreUnknownFields: false },
  });
  for (const row of options.services.flatMap(({ methods }) => methods)) {
    if (row.kind === "unary") addUnary(router, row, options);
    else if (row.kind === "server_streaming") addStream(router, row, options);
  }
  return new Map(router.handlers.map((handler) => [handler.requestPath, handler]));
}

function addUnary(router: ConnectRouter, row: UnaryRpc, options: HandlerOptions): void {
  // The row's kind says so; its type does not.
  router.rpc(row.method as DescMethodUnary, async (message: Message, handling: HandlerContext) => {
    const context = contextFrom(handling);
    try {
      const answer = await row.handle(message, context);
      // Whoever waits no longer is told so, rather than that there was nothing.
      context.signal.throwIfAborted();
      return answer;
    } catch (thrown) {
      throw told(thrown, handling, options);
    }
  });
}

function addStream(router: ConnectRouter, row: ServerStreamRpc, options: HandlerOptions): void {
  router.rpc(
    row.method as DescMethodServerStreaming,
    async function* (message: Message, handling: HandlerContext) {
      const context = contextFrom(handling);
      try {
        yield* row.handle(message, context);
        context.signal.throwIfAborted();
      } catch (thrown) {
        throw told(thrown, handling, options);
      }
    },
  );
}

function contextFrom({ values, signal }: HandlerContext): RpcContext {
  const call = values.get(CALL);
  if (call === undefined) throw new Error("a handler was called without its request");
  call.isInvoked = true;
  const { headers, remoteAddress } = call.request;
  return { headers, remoteAddress, signal };
}

/** What the client is told. The end of its deadline is the library's own error already. */
function told(thrown: unknown, { signal, method }: HandlerContext, options: HandlerOptions): unknown {
  if (signal.aborted && thrown === signal.reason) return thrown;
  const error = meshErrorFromUnknown(thrown);
  if (error.code === "internal") options.onError(error, `${method.parent.typeName}/${method.name}`);
  return connectErrorFromMeshError(error);
}
