import type { handleUnaryCall, ServerUnaryCall, sendUnaryData } from "@grpc/grpc-js";
import { meshErrorFromUnknown } from "../../model/errors.ts";
import type { UnaryRpc } from "../../ports/rpc.ts";
import type { CallDeps } from "./call-deps.ts";
import { statusFromError } from "./call-status.ts";
import { decodeRequest, encodeMessage } from "./message-codec.ts";

/** Serves one unary method; messages are decoded here, so that broken ones get an error of the hub. */
export function unaryHandler(rpc: UnaryRpc, deps: CallDeps): handleUnaryCall<Buffer, Buffer> {
  return (call, respond) => void answer(rpc, deps, call, respond);
}

async function answer(
  rpc: UnaryRpc,
  deps: CallDeps,
  call: ServerUnaryCall<Buffer, Buffer>,
  respond: sendUnaryData<Buffer>,
): Promise<void> {
  const ended = deps.calls.begin();
  try {
    const request = decodeRequest(rpc, call.request);
    const response = await rpc.handle(request, deps.contextOf(call));
    respond(null, encodeMessage(rpc.method.output, response));
  } catch (thrown) {
    deps.note(thrown);
    respond(statusFromError(meshErrorFromUnknown(thrown)));
  } finally {
    ended();
  }
}
