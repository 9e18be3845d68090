import type { handleServerStreamingCall, ServerWritableStream } from "@grpc/grpc-js";
import { meshErrorFromUnknown } from "../../model/errors.ts";
import type { ServerStreamRpc } from "../../ports/rpc.ts";
import type { CallDeps } from "./call-deps.ts";
import { statusFromError } from "./call-status.ts";
import { decodeRequest, encodeMessage } from "./message-codec.ts";

type Call = ServerWritableStream<Buffer, Buffer>;

/** Serves one method that answers with a stream: the next message is asked for when the one before has left. */
export function serverStreamHandler(
  rpc: ServerStreamRpc,
  deps: CallDeps,
): handleServerStreamingCall<Buffer, Buffer> {
  return (call) => void answer(rpc, deps, call);
}

async function answer(rpc: ServerStreamRpc, deps: CallDeps, call: Call): Promise<void> {
  const ended = deps.calls.begin();
  const untilGone = createUntilGone(call);
  try {
    const request = decodeRequest(rpc, call.request);
    const messages = rpc.handle(request, deps.contextOf(call))[Symbol.asyncIterator]();
    for (;;) {
      const next = await untilGone(messages.next());
      if (next === "gone") {
        // Not awaited: what the generator waits for ends by the signal.
        void Promise.resolve(messages.return?.()).catch(deps.note);
        return;
      }
      if (next.done === true) break;
      await untilGone(written(call, encodeMessage(rpc.method.output, next.value)));
    }
    call.end();
  } catch (thrown) {
    deps.note(thrown);
    call.emit("error", statusFromError(meshErrorFromUnknown(thrown)));
  } finally {
    ended();
  }
}

/**
 * What a promise gives, unless the client goes away before. Not Promise.race: each round of it would leave something
 * behind on the promise of the client's going, and a stream can last for months.
 */
function createUntilGone(call: Call): <T>(promise: Promise<T>) => Promise<T | "gone"> {
  let isGone = false;
  let leave: () => void = () => undefined;
  call.on("cancelled", () => {
    isGone = true;
    leave();
  });
  return (promise) =>
    new Promise((resolve, reject) => {
      leave = () => resolve("gone");
      promise.then(resolve, reject);
      if (isGone) leave();
    });
}

/** Answers when the connection took the message. */
function written(call: Call, message: Buffer): Promise<void> {
  return new Promise((resolve) => call.write(message, () => resolve()));
}
