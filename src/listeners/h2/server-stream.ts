import type { handleServerStreamingCall, ServerWritableStream } from "@grpc/grpc-js";
import { meshErrorFromUnknown } from "../../model/errors.ts";
import type { ServerStreamRpc } from "../../ports/rpc.ts";
import type { CallDeps } from "./call-deps.ts";
import { statusFromError } from "./call-status.ts";
import { decodeMessage, encodeMessage } from "./message-codec.ts";

/** Serves one method that answers with a stream: the next message is asked for when the one before has left. */
export function serverStreamHandler(
  rpc: ServerStreamRpc,
  deps: CallDeps,
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => void answer(rpc, deps, call);
}

async function answer(
  rpc: ServerStreamRpc,
  deps: CallDeps,
  call: ServerWritableStream<Buffer, Buffer>,
): Promise<void> {
  const ended = deps.calls.begin();
  const { promise: gone, resolve: leave } = Promise.withResolvers<"gone">();
  call.on("cancelled", () => leave("gone"));
  try {
    const request = decodeMessage(rpc.method.input, call.request);
    const messages = rpc.handle(request, deps.contextOf(call))[Symbol.asyncIterator]();
    for (;;) {
      const next = await Promise.race([messages.next(), gone]);
      if (next === "gone") {
        // Not awaited: what the generator waits for ends by the signal.
        void Promise.resolve(messages.return?.()).catch(deps.note);
        return;
      }
      if (next.done === true) break;
      await Promise.race([written(call, encodeMessage(rpc.method.output, next.value)), gone]);
    }
    call.end();
  } catch (thrown) {
    deps.note(thrown);
    call.emit("error", statusFromError(meshErrorFromUnknown(thrown)));
  } finally {
    ended();
  }
}

/** Answers when the connection took the message. */
function written(call: ServerWritableStream<Buffer, Buffer>, message: Buffer): Promise<void> {
  return new Promise((resolve) => call.write(message, () => resolve()));
}
