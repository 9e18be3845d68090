import type { EventEmitter } from "node:events";
import { WebSocket } from "ws";
import { GrpcSocket } from "./grpc-wire.ts";
import type {
  HelloFields,
  HubFrame,
  InMessage,
  OutMessage,
  Place,
  SendOutcome,
  SessionWire,
} from "./session-wire.ts";

/** Called as frames come; unset ones are passed over. */
export interface SessionEvents {
  /** Before anything is delivered. */
  readonly welcome?: (client: SessionClient) => void;
  readonly result?: (outcome: SendOutcome) => void;
  readonly delivered?: (messages: readonly InMessage[], client: SessionClient) => void;
  readonly acked?: (place: Place) => void;
  readonly error?: (text: string) => void;
  /** Once, however the session ended. */
  readonly closed?: (code: number) => void;
}

function dial(base: string, wire: SessionWire): WebSocket | GrpcSocket {
  if (/^grpcs?:/.test(base)) return new GrpcSocket(base);
  return new WebSocket(`${base.replace(/^http/, "ws")}/ws`, [wire.subprotocol], {
    perMessageDeflate: false,
    maxPayload: 512 * 1_048_576,
  });
}

/** A live session of an agent, as a client of its own would hold it. */
export class SessionClient {
  /** Where the hub said that delivery starts. */
  readonly start: Place;
  readonly #socket: WebSocket | GrpcSocket;
  readonly #wire: SessionWire;
  #isOpen = true;
  #lastPing = 0;
  readonly #pongs = new Map<number, () => void>();

  /** @throws when the session does not open */
  static async open(
    base: string,
    wire: SessionWire,
    hello: HelloFields,
    events: SessionEvents = {},
  ): Promise<SessionClient> {
    const socket: EventEmitter & (WebSocket | GrpcSocket) = dial(base, wire);
    const opened = Promise.withResolvers<SessionClient>();
    let client: SessionClient | undefined;
    let lastError = "";
    socket.on("open", () => socket.send(wire.hello(hello)));
    socket.on("message", (data: Buffer) => {
      const frame = wire.read(data);
      if (frame.error !== undefined) lastError = frame.error;
      if (frame.welcome !== undefined) {
        client = new SessionClient(socket, wire, frame.welcome);
        events.welcome?.(client);
        opened.resolve(client);
      }
      if (client !== undefined) client.#handle(frame, events);
    });
    socket.on("error", (error) => opened.reject(error));
    socket.on("close", (code) => {
      opened.reject(new Error(`the session did not open: ${code} ${lastError}`));
      if (client !== undefined) client.#end();
      events.closed?.(code);
    });
    return opened.promise;
  }

  private constructor(socket: WebSocket | GrpcSocket, wire: SessionWire, start: Place) {
    this.#socket = socket;
    this.#wire = wire;
    this.start = start;
  }

  get isOpen(): boolean {
    return this.#isOpen;
  }

  /** All in one frame. */
  send(messages: readonly OutMessage[]): void {
    if (this.#isOpen) this.#socket.send(this.#wire.send(messages));
  }

  ack(place: Place): void {
    if (this.#isOpen) this.#socket.send(this.#wire.ack(place));
  }

  /** Answers when the hub has handled every frame before; also when the session ended. */
  ping(): Promise<void> {
    if (!this.#isOpen) return Promise.resolve();
    const number = ++this.#lastPing;
    this.#socket.send(this.#wire.ping(number));
    return new Promise((resolve) => this.#pongs.set(number, resolve));
  }

  /** Takes nothing from the connection any more, until `resume`. */
  pause(): void {
    this.#socket.pause();
  }

  resume(): void {
    this.#socket.resume();
  }

  /** Without a goodbye. */
  cut(): void {
    this.#socket.terminate();
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    const closed = new Promise((resolve) => this.#socket.once("close", resolve));
    this.#socket.close();
    await closed;
  }

  #end(): void {
    this.#isOpen = false;
    for (const pong of this.#pongs.values()) pong();
  }

  #handle(frame: HubFrame, events: SessionEvents): void {
    for (const outcome of frame.results) events.result?.(outcome);
    if (frame.deliveries.length > 0) events.delivered?.(frame.deliveries, this);
    if (frame.acked !== undefined) events.acked?.(frame.acked);
    if (frame.error !== undefined) events.error?.(frame.error);
    if (frame.pong !== 0) {
      this.#pongs.get(frame.pong)?.();
      this.#pongs.delete(frame.pong);
    }
  }
}
