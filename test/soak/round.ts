import { setTimeout } from "node:timers/promises";
import type { TestHub } from "../support/hub.ts";
import { jsonWire } from "../support/json-wire.ts";
import { protoWire } from "../support/proto-wire.ts";
import { until } from "../support/until.ts";
import { type Cast, CHANNEL_WRITER_EVERY, type Receiver, WINDOW } from "./cast.ts";
import { checkRound, type Verdict } from "./check.ts";
import { readInboxes } from "./final-read.ts";
import { Gate } from "./gate.ts";
import { checkLadder } from "./ladder-check.ts";
import { Ledger } from "./ledger.ts";
import { createRandom } from "./log-random.ts";
import { readByPolling, readBySession } from "./reader.ts";
import { repeatKeys } from "./repeat-keys.ts";
import { writeByRest, writeBySession } from "./writer.ts";

const DRAIN_MS = 120_000;
const WARM_MS = 60_000;
/** Accepted messages for each writer until traffic counts as under way. */
const WARM_MESSAGES = 10;

export interface RoundOptions {
  readonly hub: TestHub;
  readonly cast: Cast;
  readonly seed: string;
  readonly round: number;
  /** The kill comes up to this long after all writers are at work. */
  readonly trafficMs: number;
  readonly isHasty?: boolean;
  /** Of the hub after the kill. */
  readonly durability: "power" | "process";
}

export interface RoundFigures {
  readonly round: number;
  readonly killedAfterMs: number;
  readonly sent: number;
  readonly acknowledged: number;
  /** Neither accepted nor refused: the kill cut the answer off. */
  readonly unanswered: number;
  readonly delivered: number;
  readonly redelivered: number;
  /** From the start of the process to the ready line. */
  readonly recoveryMs: number;
}

export interface RoundResult extends Verdict {
  readonly figures: RoundFigures;
}

/** Traffic, kill -9, restart, more traffic, then everything is read to its end and held against the answers. */
export async function playRound(options: RoundOptions): Promise<RoundResult> {
  const { hub, cast } = options;
  const random = createRandom(`${options.seed}/${options.round}`);
  const ledger = new Ledger();
  const gates = { writers: new Gate(), readers: new Gate() };
  const before = new Map(cast.receivers.map(({ agent, watch }) => [agent.agentId, watch.storedBefore]));
  const counted = totals(cast);
  const writing = startWriters(options, ledger, gates.writers);
  const reading = startReaders(options, gates.readers);
  gates.writers.open();
  gates.readers.open();
  await untilAccepted(ledger, cast.writers.length * WARM_MESSAGES);
  const killedAfterMs = random(options.trafficMs);
  await setTimeout(killedAfterMs);
  const killed = hub.kill();
  gates.writers.shut();
  gates.readers.shut();
  await killed;
  const startedMs = performance.now();
  await hub.start({ MESHKORE_DURABILITY: options.durability });
  const recoveryMs = performance.now() - startedMs;
  const claims = options.isHasty ? [] : await checkLadder(ledger, cast, random);
  gates.readers.open();
  gates.writers.open();
  await untilAccepted(ledger, ledger.accepted + cast.writers.length * WARM_MESSAGES);
  gates.writers.end();
  await Promise.all(writing);
  if (!options.isHasty) await repeatKeys(ledger, cast);
  await sendLast(ledger, cast, options.round);
  await untilHandedOver(ledger, cast);
  gates.readers.end();
  await Promise.all(reading);
  const inboxes = await readInboxes(cast, before);
  for (const { agent, watch } of cast.receivers) {
    watch.storedBefore += inboxes.get(agent.agentId)?.stored.length ?? 0;
  }
  const live = cast.receivers.filter(({ kind }) => kind !== "absent");
  const verdict = checkRound({
    ledger,
    watches: live.map(({ watch }) => watch),
    inboxes,
    members: cast.channels,
    followed: new Set(live.map(({ agent }) => agent.agentId)),
  });
  const after = totals(cast);
  return {
    lost: verdict.lost,
    violations: [...claims, ...verdict.violations],
    figures: {
      round: options.round,
      killedAfterMs,
      sent: ledger.sent.length,
      acknowledged: ledger.accepted,
      unanswered: ledger.sent.length - ledger.accepted - ledger.refused,
      delivered: after.delivered - counted.delivered,
      redelivered: after.redelivered - counted.redelivered,
      recoveryMs: Math.round(recoveryMs),
    },
  };
}

/** A busy machine takes longer until there is traffic that a kill can interrupt. */
async function untilAccepted(ledger: Ledger, count: number): Promise<void> {
  await until(`${count} accepted messages`, () => ledger.accepted >= count, WARM_MS);
}

function startWriters(options: RoundOptions, ledger: Ledger, gate: Gate): Promise<void>[] {
  const { hub, cast, seed, round, isHasty } = options;
  return cast.writers.map((agent, index) => {
    const random = createRandom(`${seed}/${round}/writer/${index}`);
    const pick = (): string => cast.receivers[random(cast.receivers.length)]?.agent.agentId ?? "";
    const targets = [pick(), pick(), pick()];
    if (index % CHANNEL_WRITER_EVERY === 0)
      targets.push([...cast.channels.keys()][random(cast.channels.size)] ?? "");
    const keyEvery = index % 3 === 0 ? 4 : 0;
    const common = { index, round, agent, ledger, gate, random, targets, keyEvery, base: () => hub.http };
    const writer = { ...common, ...(isHasty === true && { isHasty }) };
    if (index % 4 === 3) return writeByRest({ ...writer, batch: 1 });
    if (index % 4 === 2) return writeBySession({ ...writer, batch: 4 }, jsonWire);
    return writeBySession({ ...writer, batch: 16 }, protoWire);
  });
}

function startReaders({ hub, cast, seed, round }: RoundOptions, gate: Gate): Promise<void>[] {
  return cast.receivers.flatMap(({ agent, kind, watch }: Receiver) => {
    const random = createRandom(`${seed}/${round}/reader/${agent.agentId}`);
    const options = { agent, watch, gate, random, base: () => hub.http };
    if (kind === "absent") return [];
    if (kind === "poll") return [readByPolling(options)];
    if (kind === "json") return [readBySession(options, { wire: jsonWire, ackEvery: 3, window: 0 })];
    if (kind === "never-acks") return [readBySession(options, { wire: protoWire, ackEvery: 0, window: 0 })];
    if (kind === "proto-window")
      return [readBySession(options, { wire: protoWire, ackEvery: 1, window: WINDOW })];
    return [readBySession(options, { wire: protoWire, ackEvery: 3, window: 0 })];
  });
}

/** The last message of the round to every channel, then to every receiver. */
async function sendLast(ledger: Ledger, { closer, channels, receivers }: Cast, round: number): Promise<void> {
  const targets = [...channels.keys(), ...receivers.map(({ agent }) => agent.agentId)];
  for (const [index, to] of targets.entries()) {
    const turn = index + 1;
    const content = `${round}.closer.${turn}`;
    const message = ledger.start({ content, writer: -1, turn, to, key: undefined, connection: 0 });
    const answer = await closer.post("/send", { to, payload: { c: content }, receipts: false });
    if (answer.status !== 202) throw new Error(`the last message was refused: ${answer.text}`);
    const [epoch, offset] = String(answer.field("position")).split("-");
    ledger.acknowledge(message, String(answer.field("message_id")), {
      epoch: Number(epoch),
      offset: Number(offset),
    });
  }
}

/** Readers have been handed the last message to them and to each of their channels. */
async function untilHandedOver(ledger: Ledger, cast: Cast): Promise<void> {
  const last = ledger.sent.filter(({ content }) => content.includes(".closer."));
  for (const { to, id, place } of last) {
    for (const { agent, kind, watch } of cast.receivers) {
      const isTarget = to === agent.agentId || cast.channels.get(to)?.includes(agent.agentId) === true;
      if (!isTarget || kind === "absent") continue;
      const isHere = (): boolean =>
        to.startsWith("#") ? watch.ids.lastIndexOf(id) >= 0 : watch.ids.length >= place.offset;
      // What does not come is told by the check, with the reason.
      await until(`${id} at ${agent.agentId}`, isHere, DRAIN_MS).catch(() => undefined);
    }
  }
}

function totals({ receivers }: Cast): { delivered: number; redelivered: number } {
  const sum = (of: (receiver: Receiver) => number): number =>
    receivers.reduce((total, one) => total + of(one), 0);
  return {
    delivered: sum(({ watch }) => watch.delivered),
    redelivered: sum(({ watch }) => watch.redelivered),
  };
}
