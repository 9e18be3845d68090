import { type BenchCase, CLIENT_CPU, OTHERS_CPU, RATE, type RunContext, SERVER_CPU } from "../case.ts";
import type { Hub } from "../hub.ts";
import { joinAgents } from "../hub-admin.ts";
import type { DrainSpec, JetStreamShape, LaneSpec, LoadResult } from "../load/spec.ts";
import { runLoadClient } from "../load-client.ts";
import { JETSTREAM_PULL, JETSTREAM_PUSH } from "./shape.ts";
import { withHub, withNats } from "./subjects.ts";

const PAYLOAD_BYTES = 512;

export const drain: BenchCase = {
  name: "drain",
  title: "an agent comes back to 100,000 stored messages",
  notes: [
    "100,000 messages of 512 bytes are stored for one agent that is away. Then it connects, receives all of them in order and acknowledges in batches; the time runs from connecting to the confirmation of the last acknowledgement.",
    "JetStream: one stream, one durable consumer, `push` or `pull`; acknowledgement of all up to one. The server has just written the messages, so all read from the page cache.",
  ],
  metrics: [
    RATE,
    { key: "first_after_ms", title: "first after", unit: "ms" },
    SERVER_CPU,
    CLIENT_CPU,
    OTHERS_CPU,
    { key: "fill_per_s", title: "storing them", unit: "/s" },
  ],
  subjects: [
    { name: "hub", run: (context) => withHub(context, "power", (hub) => runHub(hub, context)) },
    { name: "JetStream, push", run: (context) => runNats(context, JETSTREAM_PUSH) },
    { name: "JetStream, pull", run: (context) => runNats(context, JETSTREAM_PULL) },
  ],
  ratios: [
    { of: "hub", by: "JetStream, pull", key: "rate_per_s" },
    { of: "hub", by: "JetStream, push", key: "rate_per_s" },
  ],
};

async function runHub(hub: Hub, context: RunContext): Promise<LoadResult> {
  const [sender] = await joinAgents(hub, "sender", 1);
  const [receiver] = await joinAgents(hub, "receiver", 1);
  if (sender === undefined || receiver === undefined) throw new Error("no agents");
  const lane: LaneSpec = { wire: "hub", port: hub.port, sender, receiver, receive: false };
  const source = { wire: "hub", port: hub.port, reader: receiver } as const;
  return fillAndDrain(lane, source, hub.child.pid, context);
}

function runNats(context: RunContext, shape: JetStreamShape): Promise<LoadResult> {
  return withNats(context, ({ port, child }) => {
    const lane: LaneSpec = { wire: "jetstream", port, shape, receive: false };
    return fillAndDrain(lane, { wire: "jetstream", port, shape }, child.pid, context);
  });
}

async function fillAndDrain(
  lane: LaneSpec,
  source: DrainSpec["source"],
  serverPid: number,
  { quick }: RunContext,
): Promise<LoadResult> {
  const count = quick ? 10_000 : 100_000;
  const shared = { payloadBytes: PAYLOAD_BYTES, count, serverPid };
  const filled = await runLoadClient({
    load: "window",
    lanes: [lane],
    window: 256,
    warmUp: 0,
    maxMs: 60_000,
    ...shared,
  });
  const stored = filled.metrics["messages"] ?? 0;
  if (stored !== count) filled.faults.push(`only ${stored} of ${count} messages were stored in time`);
  const drained = await runLoadClient({ load: "drain", source, ...shared, count: stored });
  return {
    metrics: { ...drained.metrics, fill_per_s: filled.metrics["rate_per_s"] ?? Number.NaN },
    faults: [...filled.faults, ...drained.faults],
  };
}
