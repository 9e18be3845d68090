import type { NatsMessage } from "../peers/nats-parser.ts";
import type { NatsRaw } from "../peers/nats-raw.ts";
import type { LaneEvents } from "./lane.ts";
import type { LanePayload } from "./payload.ts";
import type { JetStreamShape } from "./spec.ts";

export type JetStreamReaderOptions = {
  stream: string;
  durable: string;
  payload: LanePayload;
  shape: JetStreamShape;
  /** Undefined for a pull consumer. */
  deliverSubject: string | undefined;
};

export type JetStreamReaderEvents = Pick<LaneEvents, "delivered" | "turn" | "fault">;

/** Large enough that a drain never waits for the next request: smaller batches made it a third slower. */
const PULL_BATCH = 4096;
const PULL_AGAIN_BELOW = 2048;
const PULL_EXPIRES_NS = 120_000_000_000;
const ACK = Buffer.from(" 4\r\n+ACK\r\n");
const PUB = Buffer.from("PUB ");

/** One consumer: reads, checks the bytes, and acknowledges as its policy says. */
export class JetStreamReader {
  /** High enough that the server never waits for acknowledgements that are on their way. */
  static readonly maxAckPending = 200_000;
  readonly #nats: NatsRaw;
  readonly #options: JetStreamReaderOptions;
  readonly #events: JetStreamReaderEvents;
  readonly #pullSubject: string;
  #asked = 0;
  #lastReply = "";
  #lastBuffer: Buffer | undefined;
  #replyStart = 0;
  #replyEnd = 0;

  constructor(nats: NatsRaw, options: JetStreamReaderOptions, events: JetStreamReaderEvents) {
    this.#nats = nats;
    this.#options = options;
    this.#events = events;
    this.#pullSubject = `${nats.inbox}p`;
  }

  async start(): Promise<void> {
    this.#nats.listen({ message: (message) => this.#read(message), turn: () => this.#events.turn() });
    this.#nats.subscribe(this.#options.deliverSubject ?? this.#pullSubject);
    await this.#nats.roundTrip();
    this.#pull();
    this.flush();
  }

  /** Explicit acknowledgements are queued while reading; "all" needs one for everything since the last. */
  acknowledge(): void {
    const buffer = this.#lastBuffer;
    if (buffer === undefined) return;
    this.#lastBuffer = undefined;
    this.#lastReply = buffer.toString("latin1", this.#replyStart, this.#replyEnd);
    if (this.#options.shape.ackPolicy === "all")
      this.#nats.outbox.pushText(`PUB ${this.#lastReply} 4\r\n+ACK\r\n`);
    this.#pull();
  }

  flush(): void {
    this.#nats.flush();
  }

  /** The server answers an acknowledgement that has a reply subject, after all acknowledgements before it. */
  async finish(): Promise<void> {
    this.acknowledge();
    if (this.#lastReply !== "") await this.#nats.request(this.#lastReply, "+ACK");
  }

  close(): void {
    this.#nats.close();
  }

  #read(message: NatsMessage): void {
    const { buffer, replyStart, replyEnd, bodyStart, bodyEnd, status } = message;
    if (status !== 0) {
      this.#events.fault(`consumer ${this.#options.durable}: status ${status}`);
      return;
    }
    this.#lastBuffer = buffer;
    this.#replyStart = replyStart;
    this.#replyEnd = replyEnd;
    this.#asked--;
    if (this.#options.shape.ackPolicy === "explicit") this.#ackOne(buffer, replyStart, replyEnd);
    this.#events.delivered(this.#options.payload.read(buffer, bodyStart, bodyEnd));
  }

  #ackOne(buffer: Buffer, replyStart: number, replyEnd: number): void {
    const outbox = this.#nats.outbox;
    outbox.push(PUB);
    const at = outbox.reserve(replyEnd - replyStart);
    buffer.copy(outbox.buffer, at, replyStart, replyEnd);
    outbox.advance(replyEnd - replyStart);
    outbox.push(ACK);
  }

  /** Keeps enough asked for that the server always has somewhere to deliver to. */
  #pull(): void {
    if (this.#options.deliverSubject !== undefined || this.#asked >= PULL_AGAIN_BELOW) return;
    const { stream, durable } = this.#options;
    const body = JSON.stringify({ batch: PULL_BATCH, expires: PULL_EXPIRES_NS });
    const subject = `$JS.API.CONSUMER.MSG.NEXT.${stream}.${durable}`;
    this.#nats.outbox.pushText(`PUB ${subject} ${this.#pullSubject} ${body.length}\r\n${body}\r\n`);
    this.#asked += PULL_BATCH;
  }
}
