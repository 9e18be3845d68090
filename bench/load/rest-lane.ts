import { once } from "node:events";
import { connect } from "node:net";
import type { Lane, LaneEvents } from "./lane.ts";
import type { LaneSpec } from "./spec.ts";

type RestLaneSpec = Extract<LaneSpec, { wire: "rest" }>;

const ACCEPTED = 202;
const DIGITS = 10;
const EMPTY: Buffer = Buffer.alloc(0);

/** One keep-alive connection with one POST /send in flight; written and read without an HTTP library. */
export async function openRestLane(
  spec: RestLaneSpec,
  payloadBytes: number,
  events: LaneEvents,
): Promise<Lane> {
  const socket = connect({ host: "127.0.0.1", port: spec.port, noDelay: true });
  await once(socket, "connect");
  const { request, digitsStart } = requestTemplate(spec, payloadBytes);
  let current = -1;
  let unsent = false;
  let rest = EMPTY;
  socket.on("data", (chunk: Buffer) => {
    const buffer = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const end = responseEnd(buffer);
    rest = end === 0 ? buffer : EMPTY;
    if (end === 0) return;
    const status = Number(buffer.toString("latin1", 9, 12));
    if (status !== ACCEPTED) events.fault(`send ${current}: ${buffer.toString("latin1", 0, end)}`);
    if (end !== buffer.length) events.fault(`send ${current}: bytes after the response`);
    events.accepted(current);
    events.turn();
  });
  socket.on("error", (error) => events.failed(error));
  socket.on("close", () => events.failed(new Error("the hub closed a keep-alive connection")));
  return {
    queue: (seq) => {
      current = seq;
      unsent = true;
    },
    acknowledge: () => undefined,
    flush: () => {
      if (!unsent) return;
      unsent = false;
      const bytes = Buffer.from(request);
      bytes.write(String(current).padStart(DIGITS, "0"), digitsStart, "latin1");
      socket.write(bytes);
    },
    finish: async () => undefined,
    verify: (sent) => verifyStored(spec, sent, events),
    close: () => {
      socket.removeAllListeners("close");
      socket.destroy();
    },
  };
}

/** The payload is a JSON text that starts with the message's number. */
function requestTemplate(spec: RestLaneSpec, payloadBytes: number): { request: Buffer; digitsStart: number } {
  const before = `{"to":"${spec.receiver.id}","receipts":false,"payload":"`;
  const text = "b".repeat(payloadBytes - 2); // the quotes are part of the stored payload
  const body = `${before}${text}"}`;
  const head =
    `POST /send HTTP/1.1\r\nHost: 127.0.0.1:${spec.port}\r\nAuthorization: Bearer ${spec.sender.token}\r\n` +
    `Content-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n`;
  return { request: Buffer.from(head + body), digitsStart: head.length + before.length };
}

/** Where the response ends; 0 when it is not complete. */
function responseEnd(buffer: Buffer): number {
  const headEnd = buffer.indexOf("\r\n\r\n");
  if (headEnd < 0) return 0;
  const length = /content-length: *(\d+)/i.exec(buffer.toString("latin1", 0, headEnd));
  if (length === null) throw new Error("a response without a content-length");
  const end = headEnd + 4 + Number(length[1]);
  return end <= buffer.length ? end : 0;
}

/** Reads the receiver's inbox to its end: every message once, in the order sent. */
async function verifyStored(spec: RestLaneSpec, sent: number, events: LaneEvents): Promise<void> {
  let cursor = "";
  let count = 0;
  for (;;) {
    const url = `http://127.0.0.1:${spec.port}/messages?limit=500${cursor === "" ? "" : `&cursor=${encodeURIComponent(cursor)}`}`;
    const response = await fetch(url, { headers: { authorization: `Bearer ${spec.receiver.token}` } });
    if (!response.ok) return events.fault(`GET /messages: ${response.status} ${await response.text()}`);
    const page = (await response.json()) as { messages: { payload: string }[]; cursor: string };
    for (const message of page.messages) {
      const seq = Number(message.payload.slice(0, DIGITS));
      if (seq !== count++) events.fault(`message ${seq} is stored in place of ${count - 1}`);
    }
    if (page.messages.length === 0 || page.cursor === cursor) break;
    cursor = page.cursor;
  }
  if (count !== sent) events.fault(`the inbox of ${spec.receiver.id} holds ${count} of ${sent} messages`);
}
