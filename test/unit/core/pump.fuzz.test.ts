import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { Pump, type PumpResolver } from "../../../src/core/pump.ts";
import type { Position } from "../../../src/model/position.ts";
import type { LogPage, LogRecord, Wake } from "../../../src/ports/message-log.ts";
import type { CloseReason, Sink, SinkState } from "../../../src/ports/sink.ts";

/** Deterministic randomness and a virtual clock: a failing seed replays exactly. */
class World {
  readonly #queue: { at: number; run: () => void }[] = [];
  #now = 0;
  #seed: number;

  constructor(seed: number) {
    this.#seed = seed | 1;
  }

  random(): number {
    this.#seed = (Math.imul(this.#seed, 1_664_525) + 1_013_904_223) | 0;
    return (this.#seed >>> 0) / 4_294_967_296;
  }

  after(ticks: number, run: () => void): void {
    this.#queue.push({ at: this.#now + ticks, run });
  }

  sleep(ticks: number): Promise<void> {
    return new Promise((resolve) => this.after(ticks, resolve));
  }

  async runUntilIdle(): Promise<void> {
    for (;;) {
      for (let turn = 0; turn < 12; turn++) await Promise.resolve();
      this.#queue.sort((one, other) => one.at - other.at);
      const next = this.#queue.shift();
      if (next === undefined) return;
      this.#now = next.at;
      next.run();
    }
  }
}

/** A log whose reads are slow and fail, and whose wakes are dropped, late, repeated, empty or merged. */
class WildLog {
  readonly records: LogRecord[] = [];
  readonly #wakes = new Set<Wake>();
  readonly #world: World;
  readonly #losesWakes: boolean;

  constructor(world: World, losesWakes: boolean) {
    this.#world = world;
    this.#losesWakes = losesWakes;
  }

  append(): void {
    const record = { epoch: 1, offset: this.records.length + 1, bytes: new Uint8Array([1]) };
    this.records.push(record);
    const dice = this.#world.random();
    if (dice < 0.1 && this.#losesWakes) return;
    const carried = dice < 0.2 ? [] : this.records.slice(-1 - Math.floor(this.#world.random() * 3));
    this.#wakeLater(carried);
    if (dice > 0.9) this.#wakeLater(carried);
  }

  /** Stands for the slow safety read of a log that loses wakes; a log that keeps them must do without. */
  wakeAll(): void {
    if (!this.#losesWakes) return;
    for (const wake of this.#wakes) wake([]);
  }

  #wakeLater(records: readonly LogRecord[]): void {
    this.#world.after(Math.floor(this.#world.random() * 8), () => {
      for (const wake of this.#wakes) wake(records);
    });
  }

  async read(from: Position, limit: number): Promise<LogPage> {
    const records = this.records.slice(from.offset, from.offset + limit);
    await this.#world.sleep(Math.floor(this.#world.random() * 6));
    if (this.#world.random() < 0.02) throw new Error("read failed");
    const end = { epoch: 1, offset: this.records.length };
    return { records, gap: false, first: { epoch: 1, offset: 1 }, end };
  }

  watch(wake: Wake): () => void {
    this.#wakes.add(wake);
    return () => this.#wakes.delete(wake);
  }
}

class MoodySink implements Sink {
  readonly got: number[] = [];
  closed: CloseReason | undefined;
  #resume: () => void = () => undefined;
  readonly #world: World;
  readonly #fullness: number;
  #isFull = false;
  wroteWhileFull = false;

  constructor(world: World, fullness: number) {
    this.#world = world;
    this.#fullness = fullness;
  }

  write(records: readonly LogRecord[]): SinkState {
    if (this.#isFull) this.wroteWhileFull = true;
    for (const record of records) this.got.push(record.offset);
    if (this.#world.random() >= this.#fullness) return "ready";
    this.#isFull = true;
    this.#world.after(1 + Math.floor(this.#world.random() * 10), () => {
      this.#isFull = false;
      this.#resume();
    });
    return "full";
  }

  onReady(resume: () => void): void {
    this.#resume = resume;
  }

  close(reason: CloseReason): void {
    this.closed = reason;
  }
}

/** Drops every seventh record, and answers at once or later at random. */
function moodyResolver(world: World): PumpResolver {
  const keep = (records: readonly LogRecord[]) => records.filter((record) => record.offset % 7 !== 0);
  return {
    now: (records) => (world.random() < 0.5 ? keep(records) : undefined),
    later: async (records) => {
      await world.sleep(Math.floor(world.random() * 5));
      return keep(records);
    },
  };
}

interface Plan {
  readonly seed: number;
  readonly total: number;
  readonly fullness: number;
  readonly losesWakes: boolean;
  readonly withResolver: boolean;
  readonly window: number;
  readonly interruptions: number;
}

async function pumpThrough(plan: Plan): Promise<{ got: readonly number[]; sink: MoodySink }> {
  const world = new World(plan.seed);
  const log = new WildLog(world, plan.losesWakes);
  const sink = new MoodySink(world, plan.fullness);
  let acked = 0;
  const pump: Pump = new Pump(
    log,
    sink,
    { epoch: 1, offset: 0 },
    {
      pageSize: 1 + Math.floor(world.random() * 8),
      retryMs: 3,
      sleep: (ms) => world.sleep(ms),
      onReadError: () => undefined,
      ...(plan.withResolver ? { resolver: moodyResolver(world) } : {}),
      ...(plan.window > 0 ? { room: (): number => plan.window - (pump.at.offset - acked) } : {}),
    },
  );
  const ackSometimes = (): void => {
    acked = pump.at.offset;
    pump.resume();
  };
  for (let at = 0; at < plan.total; at++)
    world.after(Math.floor(world.random() * plan.total * 2), () => log.append());
  for (let at = 0; at < plan.interruptions; at++) {
    const when = Math.floor(world.random() * plan.total * 2);
    world.after(when, () => pump.pause());
    world.after(when + Math.floor(world.random() * 6), () => pump.resume());
  }
  for (let at = 0; at < plan.total * 3; at++) world.after(at * 2, ackSometimes);
  pump.start();
  await settle(world, log, pump, ackSometimes);
  pump.stop();
  return { got: sink.got, sink };
}

/** Safety reads and acks until all is handed over, at most so often as there are records. */
async function settle(world: World, log: WildLog, pump: Pump, ack: () => void): Promise<void> {
  for (let round = 0; round < log.records.length + 30; round++) {
    await world.runUntilIdle();
    ack();
    log.wakeAll();
    await world.runUntilIdle();
    if (round > 3 && pump.at.offset === log.records.length) return;
  }
}

describe("Pump against a wild log", () => {
  it("hands over every record once, in order, whatever wakes, reads and sinks do", async () => {
    const plans = fc.record({
      seed: fc.integer(),
      total: fc.integer({ min: 0, max: 60 }),
      fullness: fc.constantFrom(0, 0.1, 0.5),
      losesWakes: fc.boolean(),
      withResolver: fc.boolean(),
      window: fc.constantFrom(0, 1, 5),
      interruptions: fc.integer({ min: 0, max: 5 }),
    });
    await fc.assert(
      fc.asyncProperty(plans, async (plan) => {
        const { got, sink } = await pumpThrough(plan);
        const all = Array.from({ length: plan.total }, (_, at) => at + 1);
        expect(got).toEqual(plan.withResolver ? all.filter((offset) => offset % 7 !== 0) : all);
        expect(sink.closed).toBeUndefined();
      }),
      { numRuns: 3000 },
    );
  });
});
