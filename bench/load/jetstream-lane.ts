import type { Outbox } from "../outbox.ts";
import { consumerInfo, createConsumer, createStream, streamMessages } from "../peers/jetstream.ts";
import type { NatsMessage } from "../peers/nats-parser.ts";
import { NatsRaw } from "../peers/nats-raw.ts";
import { JetStreamReader } from "./jetstream-reader.ts";
import type { Lane, LaneEvents } from "./lane.ts";
import type { LanePayload } from "./payload.ts";
import type { JetStreamShape } from "./spec.ts";

export type JetStreamLaneOptions = {
  port: number;
  shape: JetStreamShape;
  receive: boolean;
  payload: LanePayload;
};

const ZERO = 48;
const QUOTE_COLON = 0x3a;

export function streamName(shape: JetStreamShape, lane: number): string {
  return shape.streams === "one" ? "BENCH" : `BENCH${lane}`;
}

export function subjectName(lane: number): string {
  return `bench.${lane}`;
}

/** The streams must exist before the lanes that use them. */
export async function createStreams(port: number, shape: JetStreamShape, lanes: number): Promise<void> {
  const nats = await NatsRaw.connect(port);
  const subjects = Array.from({ length: lanes }, (_, lane) => subjectName(lane));
  if (shape.streams === "one") await createStream(nats, streamName(shape, 0), subjects);
  else
    for (const [lane, subject] of subjects.entries())
      await createStream(nats, streamName(shape, lane), [subject]);
  nats.close();
}

/** A publisher connection of its own subject, and a consumer connection that acknowledges. */
export async function openJetStreamLane(options: JetStreamLaneOptions, events: LaneEvents): Promise<Lane> {
  const publisher = await NatsRaw.connect(options.port, { failed: (error) => events.failed(error) });
  const acks = new PublishAcks(options, events);
  const replyPrefix = `${publisher.inbox}a.`;
  publisher.subscribe(`${replyPrefix}*`);
  publisher.listen({ message: (message) => acks.read(message), turn: () => events.turn() });
  await publisher.roundTrip();
  const reader = options.receive ? await openReader(options, events) : undefined;
  const push = publishWriter(publisher.outbox, replyPrefix, options.payload);
  return {
    queue: push,
    acknowledge: () => reader?.acknowledge(),
    flush: () => {
      publisher.flush();
      reader?.flush();
    },
    finish: async () => reader?.finish(),
    verify: (sent) => verifyLane(publisher, options, sent, events),
    close: () => {
      publisher.close();
      reader?.close();
    },
  };
}

async function openReader(options: JetStreamLaneOptions, events: LaneEvents): Promise<JetStreamReader> {
  const { port, shape, payload } = options;
  const { lane } = payload;
  const nats = await NatsRaw.connect(port, { failed: (error) => events.failed(error) });
  const stream = streamName(shape, lane);
  const durable = `C${lane}`;
  const deliverSubject = shape.deliver === "push" ? `${nats.inbox}d` : undefined;
  await createConsumer(nats, {
    stream,
    durable,
    ackPolicy: shape.ackPolicy,
    maxAckPending: JetStreamReader.maxAckPending,
    ...(deliverSubject === undefined ? {} : { deliverSubject }),
    ...(shape.streams === "one" ? { filterSubject: subjectName(lane) } : {}),
  });
  const reader = new JetStreamReader(nats, { stream, durable, payload, shape, deliverSubject }, events);
  await reader.start();
  return reader;
}

/** Checks the answers to publishes: the reply subject says which message, the body which place in the stream. */
class PublishAcks {
  #lastPlace = 0;
  readonly #dense: boolean;
  readonly #events: LaneEvents;

  constructor(options: JetStreamLaneOptions, events: LaneEvents) {
    this.#dense = options.shape.streams === "per-lane";
    this.#events = events;
  }

  read(message: NatsMessage): void {
    const { buffer, subjectEnd, bodyStart, bodyEnd, status } = message;
    const seq = numberBefore(buffer, subjectEnd);
    // The body ends in `"seq":123}` when the message was stored.
    const place = buffer[bodyEnd - 1] === 0x7d ? numberBefore(buffer, bodyEnd - 1) : -1;
    const isNext = this.#dense ? place === seq + 1 : place > this.#lastPlace;
    if (status !== 0 || place < 1 || !isNext) {
      this.#events.fault(`publish ${seq}: ${status} ${buffer.toString("utf8", bodyStart, bodyEnd)}`);
    }
    this.#lastPlace = place;
    this.#events.accepted(seq);
  }
}

function publishWriter(outbox: Outbox, replyPrefix: string, payload: LanePayload): (seq: number) => void {
  const { lane, bytes } = payload;
  const head = Buffer.from(`PUB ${subjectName(lane)} ${replyPrefix}`);
  const tail = Buffer.concat([Buffer.from(` ${bytes}\r\n`), payload.blank(), Buffer.from("\r\n")]);
  return (seq) => {
    outbox.push(head);
    outbox.pushText(String(seq));
    const at = outbox.reserve(tail.length);
    outbox.push(tail);
    payload.stamp(outbox.buffer, at + tail.length - 2 - bytes, seq);
  };
}

async function verifyLane(
  nats: NatsRaw,
  options: JetStreamLaneOptions,
  sent: number,
  events: LaneEvents,
): Promise<void> {
  const { shape, payload } = options;
  const { lane } = payload;
  const stream = streamName(shape, lane);
  if (shape.streams === "per-lane") {
    const stored = await streamMessages(nats, stream);
    if (stored !== sent) events.fault(`stream ${stream} holds ${stored} of ${sent} messages`);
  }
  if (!options.receive) return;
  const { ackFloor, ackPending, pending } = await consumerInfo(nats, stream, `C${lane}`);
  const acked = shape.streams === "per-lane" ? ackFloor === sent : ackFloor > 0;
  if (!acked || ackPending !== 0 || pending !== 0) {
    events.fault(
      `consumer ${lane}: acknowledged to ${ackFloor} of ${sent}, ${ackPending} open, ${pending} to come`,
    );
  }
}

/** The decimal number that ends before `end`; -1 when there is none. */
function numberBefore(buffer: Buffer, end: number): number {
  let value = 0;
  let scale = 1;
  let at = end - 1;
  for (; at >= 0; at--) {
    const digit = (buffer[at] ?? QUOTE_COLON) - ZERO;
    if (digit < 0 || digit > 9) break;
    value += digit * scale;
    scale *= 10;
  }
  return at === end - 1 ? -1 : value;
}
