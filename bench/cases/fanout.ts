import { type BenchCase, CLIENT_CPU, OTHERS_CPU, RATE, type RunContext, SERVER_CPU } from "../case.ts";
import type { Hub } from "../hub.ts";
import { createChannel, joinAgents } from "../hub-admin.ts";
import type { FanoutSpec, LoadResult } from "../load/spec.ts";
import { runLoadClient } from "../load-client.ts";
import { withHub, withNats } from "./subjects.ts";

const CHANNEL = "everybody";

export const fanout: BenchCase = {
  name: "fanout",
  title: "one channel message to 1,000 connected members",
  notes: [
    "One sender, 1,000 members with a connection each. First one message after another (`to last`: from send until the last member has it), then as many with 4 in flight (`rate`: deliveries). At the end every member acknowledges once (`ack all`).",
    "`JetStream, durable` is the fair peer: one stream, and a durable consumer per member, since each member of a channel has a durable inbox and a cursor of its own and may go away and come back. `JetStream, core` are 1,000 plain subscriptions to the stream's subject: they get a message once or never and keep no cursor; it is the upper bound and not the same promise.",
  ],
  metrics: [
    RATE,
    { key: "last_p50_ms", title: "to last p50", unit: "ms" },
    { key: "last_max_ms", title: "to last max", unit: "ms" },
    { key: "ack_all_ms", title: "ack all", unit: "ms" },
    SERVER_CPU,
    CLIENT_CPU,
    OTHERS_CPU,
  ],
  subjects: [
    { name: "hub", run: (context) => withHub(context, "power", (hub) => runHub(hub, context)) },
    { name: "JetStream, durable", run: (context) => runNats(context, true) },
    { name: "JetStream, core", run: (context) => runNats(context, false) },
  ],
  ratios: [
    { of: "hub", by: "JetStream, durable", key: "rate_per_s" },
    { of: "hub", by: "JetStream, durable", key: "last_p50_ms" },
    { of: "hub", by: "JetStream, core", key: "rate_per_s" },
  ],
};

async function runHub(hub: Hub, context: RunContext): Promise<LoadResult> {
  const { members: count, ...load } = shape(context);
  const [sender] = await joinAgents(hub, "sender", 1);
  const members = await joinAgents(hub, "member", count);
  if (sender === undefined) throw new Error("no sender");
  await createChannel(hub, sender, CHANNEL, members);
  const target = { wire: "hub", port: hub.port, sender, members, channel: CHANNEL } as const;
  return runLoadClient({ load: "fanout", target, serverPid: hub.child.pid, ...load });
}

function runNats(context: RunContext, durable: boolean): Promise<LoadResult> {
  const { members, ...load } = shape(context);
  return withNats(context, ({ port, child }) => {
    const target = { wire: "jetstream", port, members, durable } as const;
    return runLoadClient({ load: "fanout", target, serverPid: child.pid, ...load });
  });
}

function shape({
  quick,
}: RunContext): Omit<FanoutSpec, "load" | "target" | "serverPid"> & { members: number } {
  return { members: quick ? 200 : 1000, payloadBytes: 512, warmUp: 10, count: quick ? 10 : 40, window: 4 };
}
