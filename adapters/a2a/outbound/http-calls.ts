import {
  DeliveryFailure,
  failureFromStatus,
  type JsonObject,
  MeshError,
  type OutboundHead,
  type OutboundHttp,
  type OutboundRequest,
} from "../../../src/adapter-kit.ts";
import { jsonObjectFromBytes } from "../json.ts";
import { eventsFrom } from "./sse.ts";

const CALL_MS = 30_000;
/** Without a word, not even a heartbeat, for so long a stream is taken for dead; the task is asked for then. */
const IDLE_MS = 300_000;
const MAX_ANSWER_BYTES = 33_554_432;
const MAX_STREAM_BYTES = 1_073_741_824;
const MAX_REDIRECTS = 3;
const EVENT_STREAM = "text/event-stream";

export type HttpCall = Pick<OutboundRequest, "method" | "url" | "headers" | "body"> & {
  readonly signal: AbortSignal;
};

/** The answer's JSON, whatever its status. @throws MeshError, DeliveryFailure when it is no JSON object */
export async function callForJson(
  http: OutboundHttp,
  call: HttpCall,
): Promise<{ readonly head: OutboundHead; readonly json: JsonObject }> {
  const { body, ...head } = await http.request({
    ...call,
    ...{ timeoutMs: CALL_MS, maxBytes: MAX_ANSWER_BYTES, maxRedirects: MAX_REDIRECTS },
  });
  return { head, json: jsonOrFailure(head, body) };
}

/** A stream of JSON objects; or the one that came instead of it. @throws as callForJson */
export async function* callForStream(
  http: OutboundHttp,
  call: HttpCall,
): AsyncGenerator<
  { readonly head: OutboundHead; readonly json: JsonObject; readonly isStreamed: boolean },
  void
> {
  const { chunks, ...head } = await http.stream({
    ...{ ...call, headers: { ...call.headers, accept: EVENT_STREAM } },
    ...{ timeoutMs: CALL_MS, idleMs: IDLE_MS, maxBytes: MAX_STREAM_BYTES, maxRedirects: MAX_REDIRECTS },
  });
  const isStreamed = (head.headers["content-type"] ?? "").startsWith(EVENT_STREAM);
  if (!isStreamed) {
    yield { head, json: jsonOrFailure(head, await whole(chunks)), isStreamed };
    return;
  }
  for await (const data of eventsFrom(chunks)) {
    yield { head, json: jsonOrFailure(head, Buffer.from(data)), isStreamed };
  }
}

function jsonOrFailure(head: OutboundHead, body: Uint8Array): JsonObject {
  const json = jsonObjectFromBytes(body);
  if (json !== undefined) return json;
  if (head.status >= 200 && head.status < 300) {
    throw new DeliveryFailure(`${new URL(head.url).host} does not answer in JSON`, { isAnswer: true });
  }
  throw failureFromStatus(head, Date.now());
}

async function whole(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const pieces: Uint8Array[] = [];
  let bytes = 0;
  for await (const piece of chunks) {
    bytes += piece.length;
    if (bytes > MAX_ANSWER_BYTES) throw new MeshError("too_large", "its answer is too large");
    pieces.push(piece);
  }
  return Buffer.concat(pieces);
}
