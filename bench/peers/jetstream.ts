import type { NatsRaw } from "./nats-raw.ts";

const NANOSECONDS_PER_SECOND = 1_000_000_000;

export type ConsumerOptions = {
  stream: string;
  durable: string;
  ackPolicy: "explicit" | "all";
  /** Push to this subject; a pull consumer without it. */
  deliverSubject?: string;
  filterSubject?: string;
  maxAckPending: number;
};

export type ConsumerInfo = { ackFloor: number; ackPending: number; pending: number };

/** A stream in files, without limits: nothing that was acknowledged to a publisher is dropped. */
export async function createStream(nats: NatsRaw, name: string, subjects: string[]): Promise<void> {
  await ask(nats, `STREAM.CREATE.${name}`, {
    name,
    subjects,
    storage: "file",
    retention: "limits",
    discard: "new",
    num_replicas: 1,
    max_consumers: -1,
    max_msgs: -1,
    max_bytes: -1,
    max_age: 0,
  });
}

export async function createConsumer(nats: NatsRaw, options: ConsumerOptions): Promise<void> {
  const { stream, durable, deliverSubject, filterSubject } = options;
  await ask(nats, `CONSUMER.DURABLE.CREATE.${stream}.${durable}`, {
    stream_name: stream,
    config: {
      durable_name: durable,
      deliver_policy: "all",
      replay_policy: "instant",
      ack_policy: options.ackPolicy,
      ack_wait: 60 * NANOSECONDS_PER_SECOND,
      max_ack_pending: options.maxAckPending,
      ...(deliverSubject === undefined ? {} : { deliver_subject: deliverSubject }),
      ...(filterSubject === undefined ? {} : { filter_subject: filterSubject }),
    },
  });
}

export async function consumerInfo(nats: NatsRaw, stream: string, durable: string): Promise<ConsumerInfo> {
  const info = await ask(nats, `CONSUMER.INFO.${stream}.${durable}`, undefined);
  const floor = info["ack_floor"] as { stream_seq: number };
  return {
    ackFloor: floor.stream_seq,
    ackPending: info["num_ack_pending"] as number,
    pending: info["num_pending"] as number,
  };
}

export async function streamMessages(nats: NatsRaw, stream: string): Promise<number> {
  const info = await ask(nats, `STREAM.INFO.${stream}`, undefined);
  return (info["state"] as { messages: number }).messages;
}

async function ask(nats: NatsRaw, call: string, body: unknown): Promise<Record<string, unknown>> {
  const text = await nats.request(`$JS.API.${call}`, body === undefined ? "" : JSON.stringify(body));
  const answer = JSON.parse(text) as Record<string, unknown>;
  if (answer["error"] !== undefined) throw new Error(`JetStream ${call}: ${JSON.stringify(answer["error"])}`);
  return answer;
}
