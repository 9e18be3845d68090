import { createConsumer, createStream } from "../peers/jetstream.ts";
import { NatsRaw } from "../peers/nats-raw.ts";
import type { Fanout, FanoutEvents } from "./fanout.ts";
import { JetStreamReader } from "./jetstream-reader.ts";
import { openAll } from "./open-all.ts";
import type { LanePayload } from "./payload.ts";
import type { FanoutSpec } from "./spec.ts";

type JetStreamTarget = Extract<FanoutSpec["target"], { wire: "jetstream" }>;
type Member = { finish(): Promise<void>; close(): void };

const STREAM = "FANOUT";
const SUBJECT = "fanout.all";

/**
 * One stream, a connection per member. Durable: every member has a durable consumer, so it can go away and
 * come back, as a member of a channel can. Not durable: core subscriptions to the stream's subject, which
 * get the message once or never; the upper bound of what the server can hand out.
 */
export async function openJetStreamFanout(
  target: JetStreamTarget,
  payload: LanePayload,
  events: FanoutEvents,
): Promise<Fanout> {
  const publisher = await NatsRaw.connect(target.port, { failed: (error) => events.failed(error) });
  await createStream(publisher, STREAM, [SUBJECT]);
  const numbers = Array.from({ length: target.members }, (_, member) => member);
  const members = await openAll(numbers, (member) =>
    target.durable
      ? openConsumer(target.port, member, payload, events)
      : openSubscriber(target.port, member, payload, events),
  );
  const send = openPublisher(publisher, payload, events);
  await publisher.roundTrip();
  return {
    send,
    acknowledge: async () => void (await Promise.all(members.map((member) => member.finish()))),
    close: () => {
      publisher.close();
      for (const member of members) member.close();
    },
  };
}

async function openConsumer(
  port: number,
  member: number,
  payload: LanePayload,
  events: FanoutEvents,
): Promise<Member> {
  const nats = await NatsRaw.connect(port, { failed: (error) => events.failed(error) });
  const durable = `M${member}`;
  const deliverSubject = `${nats.inbox}d`;
  await createConsumer(nats, {
    stream: STREAM,
    durable,
    ackPolicy: "all",
    maxAckPending: JetStreamReader.maxAckPending,
    deliverSubject,
  });
  const shape = { streams: "one", deliver: "push", ackPolicy: "all" } as const;
  const options = { stream: STREAM, durable, payload, shape, deliverSubject };
  const reader = new JetStreamReader(nats, options, {
    delivered: (seq) => events.delivered(member, seq),
    turn: () => undefined,
    fault: (text) => events.fault(text),
  });
  await reader.start();
  return reader;
}

async function openSubscriber(
  port: number,
  member: number,
  payload: LanePayload,
  events: FanoutEvents,
): Promise<Member> {
  const nats = await NatsRaw.connect(port, {
    message: ({ buffer, bodyStart, bodyEnd }) =>
      events.delivered(member, payload.read(buffer, bodyStart, bodyEnd)),
    failed: (error) => events.failed(error),
  });
  nats.subscribe(SUBJECT);
  await nats.roundTrip();
  return { finish: async () => undefined, close: () => nats.close() };
}

function openPublisher(nats: NatsRaw, payload: LanePayload, events: FanoutEvents): (seq: number) => void {
  const bytes = payload.blank();
  nats.subscribe(`${nats.inbox}a.*`);
  nats.listen({
    message: ({ buffer, subjectStart, subjectEnd, bodyStart, bodyEnd }) => {
      const seq = Number(buffer.toString("latin1", subjectStart, subjectEnd).split(".").at(-1));
      const answer = buffer.toString("utf8", bodyStart, bodyEnd);
      if (!answer.endsWith(`"seq":${seq + 1}}`)) events.fault(`publish ${seq}: ${answer}`);
      events.accepted(seq);
    },
  });
  return (seq) => {
    payload.stamp(bytes, 0, seq);
    nats.outbox.pushText(`PUB ${SUBJECT} ${nats.inbox}a.${seq} ${payload.bytes}\r\n`);
    nats.outbox.push(bytes);
    nats.outbox.pushText("\r\n");
    nats.flush();
  };
}
