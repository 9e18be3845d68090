import type { TestAgent, TestHub } from "../support/hub.ts";
import { InboxWatch } from "./inbox-watch.ts";

export type ReaderKind = "proto" | "proto-window" | "json" | "poll" | "never-acks" | "absent";

export interface Receiver {
  readonly agent: TestAgent;
  readonly kind: ReaderKind;
  readonly watch: InboxWatch;
}

/** Everybody who takes part; they stay the same over all rounds of a run. */
export interface Cast {
  readonly writers: readonly TestAgent[];
  readonly receivers: readonly Receiver[];
  /** Owns the channels and sends the last message of a round everywhere. */
  readonly closer: TestAgent;
  /** Channel (with #) to its members that only read. */
  readonly channels: ReadonlyMap<string, readonly string[]>;
}

export const WINDOW = 256;
/** One writer in so many also writes to a channel. */
export const CHANNEL_WRITER_EVERY = 16;

const KINDS: readonly ReaderKind[] = ["proto", "poll", "proto-window", "json", "proto", "json"];

/** Joins everybody. */
export async function assembleCast(
  hub: TestHub,
  counts: { writers: number; receivers: number },
): Promise<Cast> {
  const names = (kind: string, count: number): string[] =>
    Array.from({ length: count }, (_, n) => `${kind}-${n}`);
  const join = (ids: readonly string[]): Promise<TestAgent[]> => Promise.all(ids.map((id) => hub.join(id)));
  const closer = await hub.join("closer");
  const writers = await join(names("writer", counts.writers));
  const live = await join(names("receiver", counts.receivers));
  const [neverAcks, absent] = await join(["never-acks", "absent"]);
  if (neverAcks === undefined || absent === undefined) throw new Error("two did not join");
  const receivers = [
    ...live.map((agent, n) => receiver(agent, KINDS[n % KINDS.length] ?? "proto")),
    receiver(neverAcks, "never-acks"),
    receiver(absent, "absent"),
  ];
  const channelWriters = writers
    .filter((_, n) => n % CHANNEL_WRITER_EVERY === 0)
    .map(({ agentId }) => agentId);
  const channels = new Map<string, readonly string[]>();
  for (const [name, from] of [
    ["soak-a", 0],
    ["soak-b", 4],
  ] as const) {
    const readers = [...live.slice(from, from + 8).map(({ agentId }) => agentId), "never-acks", "absent"];
    const answer = await closer.post("/channels", { name, members: [...readers, ...channelWriters] });
    if (answer.status !== 201) throw new Error(`no channel: ${answer.text}`);
    channels.set(`#${name}`, readers);
  }
  return { writers, receivers, closer, channels };
}

function receiver(agent: TestAgent, kind: ReaderKind): Receiver {
  return { agent, kind, watch: new InboxWatch(agent.agentId) };
}
