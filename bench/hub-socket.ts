import { randomBytes } from "node:crypto";
import { connect, type Socket } from "node:net";
import { type HubFrameEvents, HubFrameReader } from "./hub-frame-reader.ts";
import { Outbox } from "./outbox.ts";

export type HubSocketEvents = Omit<HubFrameEvents, "welcome"> & {
  /** After the last frame of a chunk: the moment to answer all of it with one frame. */
  turn(): void;
  failed(error: Error): void;
};

const OPEN_TIMEOUT_MS = 10_000;
const MASK_BYTES = 4;
const MAX_HEADER_BYTES = 10 + MASK_BYTES;
const BINARY = 0x82;
const PING = 0x89;
const PONG = 0x8a;
const CLOSE = 0x88;
const CONTINUED = 0x02;
const EMPTY: Buffer = Buffer.alloc(0);

/**
 * A session over WebSocket without a client library. Frames are masked with a zero key, which leaves the
 * bytes as they are; the hub still has to unmask them.
 */
export class HubSocket {
  /** Parts of the next SessionRequest; `flush` makes one frame of them. */
  readonly outbox = new Outbox(MAX_HEADER_BYTES);
  readonly #socket: Socket;
  readonly #reader: HubFrameReader;
  #events: HubSocketEvents;
  #rest: Buffer = EMPTY;
  #upgraded = false;
  readonly #opened = Promise.withResolvers<void>();

  /** Answers when the Welcome frame is there. Deliveries may come in the same turn, hence the events here. */
  static async open(port: number, token: string, events: HubSocketEvents): Promise<HubSocket> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    const session = new HubSocket(socket, events);
    socket.write(
      `GET /ws HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n` +
        `Sec-WebSocket-Key: ${randomBytes(16).toString("base64")}\r\nSec-WebSocket-Version: 13\r\n` +
        `Sec-WebSocket-Protocol: meshkore.v1.proto\r\nAuthorization: Bearer ${token}\r\n\r\n`,
    );
    const late = setTimeout(() => session.#fail("the session did not open"), OPEN_TIMEOUT_MS);
    try {
      await session.#opened.promise;
    } finally {
      clearTimeout(late);
    }
    return session;
  }

  private constructor(socket: Socket, events: HubSocketEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#reader = new HubFrameReader({
      welcome: () => this.#opened.resolve(),
      result: (ref, epoch, offset, failed) => this.#events.result(ref, epoch, offset, failed),
      delivery: (delivery) => this.#events.delivery(delivery),
      acked: (epoch, offset) => this.#events.acked(epoch, offset),
      refused: (text) => this.#events.refused(text),
    });
    socket.on("data", (chunk: Buffer) => this.#onData(chunk));
    socket.on("error", (error) => this.#fail(error.message));
    socket.on("close", () => this.#fail("the hub closed the connection"));
  }

  /** Everything queued leaves as one binary frame. */
  flush(): void {
    if (this.outbox.length === 0) return;
    const bytes = this.outbox.length;
    const frame = this.outbox.take();
    const start = writeHeader(frame, bytes);
    this.#socket.write(start === 0 ? frame : frame.subarray(start));
  }

  close(): void {
    const nothing = (): void => undefined;
    this.#events = {
      result: nothing,
      delivery: nothing,
      acked: nothing,
      refused: nothing,
      turn: nothing,
      failed: nothing,
    };
    this.#socket.destroy();
  }

  #onData(chunk: Buffer): void {
    let buffer = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    this.#rest = EMPTY;
    if (!this.#upgraded) {
      const end = buffer.indexOf("\r\n\r\n");
      if (end < 0) {
        this.#rest = buffer;
        return;
      }
      this.#onUpgrade(buffer.toString("latin1", 0, end));
      buffer = buffer.subarray(end + 4);
    }
    const read = this.#readFrames(buffer);
    this.#rest = read < buffer.length ? buffer.subarray(read) : EMPTY;
    this.#events.turn();
  }

  #onUpgrade(head: string): void {
    this.#upgraded = true;
    if (!head.startsWith("HTTP/1.1 101")) this.#fail(`no WebSocket: ${head.split("\r\n", 1)[0] ?? ""}`);
    else if (!/sec-websocket-protocol: meshkore\.v1\.proto/i.test(head)) this.#fail("subprotocol refused");
  }

  /** Answers how many bytes were whole frames. */
  #readFrames(buffer: Buffer): number {
    let at = 0;
    while (buffer.length - at >= 2) {
      let bytes = (buffer[at + 1] ?? 0) & 127;
      let start = at + 2;
      if (bytes === 126) {
        if (buffer.length - at < 4) break;
        bytes = buffer.readUInt16BE(at + 2);
        start = at + 4;
      } else if (bytes === 127) {
        if (buffer.length - at < 10) break;
        bytes = buffer.readUInt32BE(at + 2) * 2 ** 32 + buffer.readUInt32BE(at + 6);
        start = at + 10;
      }
      if (start + bytes > buffer.length) break;
      this.#onFrame(buffer, buffer[at] ?? 0, start, start + bytes);
      at = start + bytes;
    }
    return at;
  }

  #onFrame(buffer: Buffer, kind: number, start: number, end: number): void {
    if (kind === BINARY) this.#reader.read(buffer, start, end);
    else if (kind === PING) this.#pong(buffer.subarray(start, end));
    else if (kind === CLOSE) this.#fail(`closed by the hub: ${closeText(buffer, start, end)}`);
    else if (kind !== PONG) this.#fail(kind === CONTINUED ? "fragmented frame" : `frame of kind ${kind}`);
  }

  /** A control frame's payload is at most 125 bytes. */
  #pong(payload: Buffer): void {
    this.#socket.write(Buffer.concat([Buffer.from([PONG, 128 | payload.length, 0, 0, 0, 0]), payload]));
  }

  #fail(text: string): void {
    const error = new Error(`hub socket: ${text}`);
    this.#opened.reject(error);
    this.#events.failed(error);
    this.#socket.destroy();
  }
}

/** Writes the header right before the body, in the headroom; answers where the frame starts. */
function writeHeader(frame: Buffer, bodyBytes: number): number {
  const lengthBytes = bodyBytes < 126 ? 0 : bodyBytes < 65_536 ? 2 : 8;
  const start = MAX_HEADER_BYTES - 2 - lengthBytes - MASK_BYTES;
  frame[start] = BINARY;
  frame[start + 1] = 128 | (lengthBytes === 0 ? bodyBytes : lengthBytes === 2 ? 126 : 127);
  if (lengthBytes === 2) frame.writeUInt16BE(bodyBytes, start + 2);
  else if (lengthBytes === 8) frame.writeBigUInt64BE(BigInt(bodyBytes), start + 2);
  frame.fill(0, MAX_HEADER_BYTES - MASK_BYTES, MAX_HEADER_BYTES);
  return start;
}

function closeText(buffer: Buffer, start: number, end: number): string {
  if (end - start < 2) return "no code";
  return `${buffer.readUInt16BE(start)} ${buffer.toString("utf8", start + 2, end)}`.trim();
}
