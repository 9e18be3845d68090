import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { Outbox } from "../outbox.ts";
import { type NatsMessage, NatsParser } from "./nats-parser.ts";

const REQUEST_TIMEOUT_MS = 10_000;
const REQUEST_SID = 1;
const HELLO = JSON.stringify({
  verbose: false,
  pedantic: false,
  headers: true,
  no_responders: true,
  lang: "raw",
  version: "1",
  protocol: 1,
});

export type NatsEvents = {
  /** The view is valid only during the call. */
  message(message: NatsMessage): void;
  /** After the last message of a chunk: the moment to answer all of it with one write. */
  turn(): void;
  failed(error: Error): void;
};

/** The NATS wire without a client library: what is queued between two flushes is one write. */
export class NatsRaw {
  readonly outbox = new Outbox();
  readonly #socket: Socket;
  readonly #parser: NatsParser;
  #events: NatsEvents;
  #nextSid = REQUEST_SID + 1;
  #nextRequest = 0;
  readonly #inbox = `R${process.pid}${Math.random().toString(36).slice(2)}`;
  readonly #requests = new Map<string, (body: string) => void>();
  #ponged: (() => void) | undefined;

  static async connect(port: number, events?: Partial<NatsEvents>): Promise<NatsRaw> {
    const socket = connect({ host: "127.0.0.1", port, noDelay: true });
    await once(socket, "connect");
    const nats = new NatsRaw(socket, { message: ignore, turn: ignore, failed: ignore, ...events });
    nats.outbox.pushText(`CONNECT ${HELLO}\r\nSUB ${nats.#inbox}.* ${REQUEST_SID}\r\n`);
    await nats.roundTrip();
    return nats;
  }

  private constructor(socket: Socket, events: NatsEvents) {
    this.#socket = socket;
    this.#events = events;
    this.#parser = new NatsParser({
      message: (message) => this.#onMessage(message),
      ping: () => this.outbox.pushText("PONG\r\n"),
      pong: () => this.#ponged?.(),
      refused: (text) => this.#events.failed(new Error(`nats-server: ${text}`)),
    });
    socket.on("data", (chunk: Buffer) => {
      this.#parser.parse(chunk);
      this.#events.turn();
      if (this.#parser.pinged) this.flush();
    });
    socket.on("error", (error) => this.#events.failed(error));
    socket.on("close", () => this.#events.failed(new Error("nats-server closed the connection")));
  }

  get inbox(): string {
    return this.#inbox;
  }

  listen(events: Partial<NatsEvents>): void {
    this.#events = { ...this.#events, ...events };
  }

  subscribe(subject: string): number {
    const sid = this.#nextSid++;
    this.outbox.pushText(`SUB ${subject} ${sid}\r\n`);
    return sid;
  }

  flush(): void {
    if (this.outbox.length > 0) this.#socket.write(this.outbox.take());
  }

  /** Everything queued before has been handled by the server when this answers. */
  async roundTrip(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#ponged = resolve;
    this.outbox.pushText("PING\r\n");
    this.flush();
    await promise;
  }

  /** A request with a text body; what was queued before goes out with it. */
  async request(subject: string, body: string): Promise<string> {
    const reply = `${this.#inbox}.${this.#nextRequest++}`;
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    this.#requests.set(reply, resolve);
    const late = setTimeout(() => reject(new Error(`no answer from ${subject}`)), REQUEST_TIMEOUT_MS);
    this.outbox.pushText(`PUB ${subject} ${reply} ${Buffer.byteLength(body)}\r\n${body}\r\n`);
    this.flush();
    try {
      return await promise;
    } finally {
      clearTimeout(late);
      this.#requests.delete(reply);
    }
  }

  close(): void {
    this.#events = { message: ignore, turn: ignore, failed: ignore };
    this.#socket.destroy();
  }

  #onMessage(message: NatsMessage): void {
    if (message.sid !== REQUEST_SID) {
      this.#events.message(message);
      return;
    }
    const subject = message.buffer.toString("latin1", message.subjectStart, message.subjectEnd);
    this.#requests.get(subject)?.(message.buffer.toString("utf8", message.bodyStart, message.bodyEnd));
  }
}

function ignore(): void {
  // nobody asked to be told
}
