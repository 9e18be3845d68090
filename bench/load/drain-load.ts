import { createConsumer } from "../peers/jetstream.ts";
import { NatsRaw } from "../peers/nats-raw.ts";
import { CpuMeter } from "./cpu-meter.ts";
import { HubReader } from "./hub-reader.ts";
import { streamName, subjectName } from "./jetstream-lane.ts";
import { JetStreamReader } from "./jetstream-reader.ts";
import { LanePayload } from "./payload.ts";
import type { DrainSpec, LoadResult } from "./spec.ts";
import { guardAgainstStall } from "./stall-guard.ts";

const LANE = 0;

type Reader = { acknowledge(): void; flush(): void; finish(): Promise<void>; close(): void };
type ReaderEvents = {
  delivered(seq: number): void;
  turn(): void;
  fault(text: string): void;
  failed(error: Error): void;
};

/** Stored messages are read and acknowledged by a reader that was away: from connecting to the last confirmed acknowledgement. */
export async function runDrainLoad(spec: DrainSpec): Promise<LoadResult> {
  const faults: string[] = [];
  const meter = new CpuMeter(spec.serverPid);
  const firstAfterMs = await drain(spec, faults);
  const cpu = meter.read();
  return {
    metrics: {
      rate_per_s: (spec.count / cpu.elapsedMs) * 1000,
      first_after_ms: firstAfterMs,
      server_cpu_us: (cpu.serverMs / spec.count) * 1000,
      client_cpu_us: (cpu.clientMs / spec.count) * 1000,
      others_cpu_cores: cpu.othersMs / cpu.elapsedMs,
      messages: spec.count,
    },
    faults: faults.slice(0, 5),
  };
}

/** Answers how long the first message took. */
async function drain(spec: DrainSpec, faults: string[]): Promise<number> {
  const all = Promise.withResolvers<void>();
  const fromMs = performance.now();
  let firstAfterMs = 0;
  let next = 0;
  let scheduled = false;
  let reader: Reader | undefined;
  const answer = (): void => {
    scheduled = false;
    reader?.acknowledge();
    reader?.flush();
    if (next >= spec.count) all.resolve();
  };
  reader = await openReader(spec, {
    delivered: (seq) => {
      if (seq !== next) faults.push(`message ${seq} came in place of ${next}`);
      if (next++ === 0) firstAfterMs = performance.now() - fromMs;
    },
    turn: () => {
      if (!scheduled) setImmediate(answer);
      scheduled = true;
    },
    fault: (text) => faults.push(text),
    failed: (error) => all.reject(error),
  });
  const stop = guardAgainstStall(
    () => next,
    (received) =>
      all.reject(new Error([`lost: only ${received} messages came`, ...faults.slice(0, 5)].join("; "))),
  );
  await all.promise.finally(stop);
  await reader.finish();
  reader.close();
  if (next !== spec.count) faults.push(`${next} of ${spec.count} messages came`);
  return firstAfterMs;
}

async function openReader(spec: DrainSpec, events: ReaderEvents): Promise<Reader> {
  const { source } = spec;
  const payload = new LanePayload(LANE, spec.payloadBytes);
  if (source.wire === "hub") {
    return HubReader.open(source.port, source.reader.token, payload, events);
  }
  const nats = await NatsRaw.connect(source.port, { failed: (error) => events.failed(error) });
  const stream = streamName(source.shape, LANE);
  const durable = `C${LANE}`;
  const deliverSubject = source.shape.deliver === "push" ? `${nats.inbox}d` : undefined;
  await createConsumer(nats, {
    stream,
    durable,
    ackPolicy: source.shape.ackPolicy,
    maxAckPending: JetStreamReader.maxAckPending,
    ...(deliverSubject === undefined ? {} : { deliverSubject }),
    ...(source.shape.streams === "one" ? { filterSubject: subjectName(LANE) } : {}),
  });
  const { shape } = source;
  const reader = new JetStreamReader(nats, { stream, durable, payload, shape, deliverSubject }, events);
  await reader.start();
  return reader;
}
