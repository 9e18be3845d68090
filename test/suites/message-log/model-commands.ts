import fc from "fast-check";
import { expect } from "vitest";
import type { ReaderName } from "../../../src/ports/message-log.ts";
import { expectedPage, type LogModel, streamOf } from "./model.ts";
import { type LogUnderTest, offsetsOf, textOf } from "./subject.ts";

type Command = fc.AsyncCommand<LogModel, LogUnderTest>;

interface AppendSpec {
  readonly stream: string;
  readonly text: string;
  readonly key: string | undefined;
}

/** A command from its text and what it does; every command may run at any time. */
function command(text: string, run: (model: LogModel, test: LogUnderTest) => Promise<void>): Command {
  return { check: () => true, run, toString: () => text };
}

const STREAMS = ["inbox/a", "inbox/b", "inbox/c", "channel/d"];
const stream = fc.constantFrom(...STREAMS);
const reader = fc.constantFrom<ReaderName>("inbox", "delivered", "receipts", "fanout");
const DEDUPE_WINDOW_MS = 1000;
const spec: fc.Arbitrary<AppendSpec> = fc.record({
  stream,
  text: fc.oneof(
    { weight: 5, arbitrary: fc.string({ unit: "binary-ascii", maxLength: 20 }) },
    { weight: 1, arbitrary: fc.constantFrom("x".repeat(30_000), "y".repeat(70_000)) },
  ),
  key: fc.option(fc.constantFrom("k1", "k2", "k3"), { nil: undefined, freq: 3 }),
});

/** Sequences of calls on a log; `movesClock` leaves out what needs the engine to follow the test's clock. */
export function logCommands(movesClock: boolean): fc.Arbitrary<Iterable<Command>> {
  const arbitraries: fc.Arbitrary<Command>[] = [
    fc.array(spec, { minLength: 1, maxLength: 6 }).map(appendTogether),
    fc.array(spec, { minLength: 1, maxLength: 6 }).map(appendTogether),
    fc.tuple(stream, reader, fc.nat(30)).map((args) => ack(...args)),
    readCommand(),
    readCommand(),
    fc.constant(reopen()),
    fc.tuple(stream, fc.boolean()).map(([name, isAll]) => trim(name, isAll || !movesClock)),
    fc.tuple(stream, fc.nat(30)).map((args) => locate(...args)),
  ];
  if (movesClock) arbitraries.push(fc.integer({ min: 1, max: 1200 }).map(advance));
  return fc.commands(arbitraries, { maxCommands: 60 });
}

/** All calls in one turn: their order decides offsets and which one is the duplicate. */
function appendTogether(specs: readonly AppendSpec[]): Command {
  return command(
    `append ${JSON.stringify(specs.map((one) => ({ ...one, text: one.text.length })))}`,
    async (model, test) => {
      const ids = specs.map(() => test.nextId());
      const calls = specs.map(({ stream: name, text, key }, index) =>
        test.log.append(name, {
          id: ids[index] ?? "",
          bytes: Buffer.from(text, "latin1"),
          ...(key === undefined ? {} : { dedupe: { key, windowMs: DEDUPE_WINDOW_MS } }),
        }),
      );
      const expected = specs.map((one, index) =>
        appendToModel(model, one, ids[index] ?? "", test.clock.nowUnixMs),
      );
      expect(await Promise.all(calls)).toEqual(expected);
    },
  );
}

function appendToModel(
  model: LogModel,
  { stream: name, text, key }: AppendSpec,
  id: string,
  nowUnixMs: number,
): object {
  const state = streamOf(model, name);
  const known = key === undefined ? undefined : state.dedupes.get(key);
  if (known !== undefined && known.expiresUnixMs > nowUnixMs) {
    return { epoch: 1, offset: known.offset, id: state.records[known.offset - 1]?.id, duplicate: true };
  }
  const offset = state.records.push({ id, text, storedUnixMs: nowUnixMs });
  if (key !== undefined) state.dedupes.set(key, { offset, expiresUnixMs: nowUnixMs + DEDUPE_WINDOW_MS });
  return { epoch: 1, offset, id, duplicate: false };
}

function ack(name: string, by: ReaderName, offset: number): Command {
  return command(`ack ${name} ${by} ${offset}`, async (model, test) => {
    const state = streamOf(model, name);
    if (offset > state.records.length) {
      await expect(test.log.ack(name, by, { epoch: 1, offset })).rejects.toMatchObject({ code: "gap" });
      return;
    }
    const mark = Math.max(state.marks.get(by) ?? 0, offset);
    if (mark > 0) state.marks.set(by, mark);
    expect((await test.log.ack(name, by, { epoch: 1, offset })).offset).toBe(mark);
    expect((await test.log.acked(name, by)).offset).toBe(mark);
  });
}

function readCommand(): fc.Arbitrary<Command> {
  const query = fc.record({
    offset: fc.nat(30),
    isBackward: fc.boolean(),
    limit: fc.integer({ min: 1, max: 12 }),
    maxBytes: fc.constantFrom(1, 25, 60_000, 10_000_000),
  });
  return fc.tuple(stream, query).map(([name, wanted]) =>
    command(`read ${name} ${JSON.stringify(wanted)}`, async (model, test) => {
      const state = streamOf(model, name);
      const page = await test.log.read(name, {
        from: { epoch: 1, offset: wanted.offset },
        direction: wanted.isBackward ? "backward" : "forward",
        limit: wanted.limit,
        maxBytes: wanted.maxBytes,
      });
      const expected = expectedPage(state, wanted);
      // Backward from places that are not in the stream is left to the engine.
      const isOutside = wanted.offset < state.first || wanted.offset > state.records.length + 1;
      if (!(wanted.isBackward && isOutside)) {
        expect({ gap: page.gap, offsets: offsetsOf(page.records) }).toEqual(expected);
      }
      expect(page.first.offset).toBe(state.first);
      expect(page.end.offset).toBe(state.records.length);
      for (const record of page.records) expect(textOf(record)).toBe(state.records[record.offset - 1]?.text);
    }),
  );
}

function reopen(): Command {
  return command("reopen", async (model, test) => {
    await test.reopen();
    for (const [name, state] of model.streams) {
      expect(await test.ends(name)).toMatchObject({ first: state.first, end: state.records.length });
      for (const [by, offset] of state.marks) expect((await test.log.acked(name, by)).offset).toBe(offset);
    }
  });
}

/** An engine may keep some of what is due, so the model takes over what the engine did, within the limits. */
function trim(name: string, isAll: boolean): Command {
  return command(`trim ${name} ${isAll ? "all" : "by age"}`, async (model, test) => {
    const state = streamOf(model, name);
    const beforeUnixMs = isAll ? Number.POSITIVE_INFINITY : test.clock.nowUnixMs - 500;
    const trimmed = await test.log.trim(name, beforeUnixMs);
    const { first } = await test.ends(name);
    const kept = state.records.findIndex(({ storedUnixMs }) => storedUnixMs >= beforeUnixMs);
    const limit = kept === -1 ? state.records.length + 1 : kept + 1;
    expect(first).toBeGreaterThanOrEqual(state.first);
    expect(first).toBeLessThanOrEqual(Math.max(limit, state.first));
    expect(trimmed).toBe(first - state.first);
    state.first = first;
  });
}

function locate(name: string, offset: number): Command {
  return command(`locate ${name} ${offset}`, async (model, test) => {
    const state = streamOf(model, name);
    const record = state.records[offset - 1];
    if (record === undefined) return;
    const found = await test.log.locate(record.id);
    expect(found).toEqual(
      offset < state.first ? undefined : { stream: name, position: { epoch: 1, offset } },
    );
  });
}

function advance(byMs: number): Command {
  return command(`advance ${byMs} ms`, async (_, test) => {
    test.clock.nowUnixMs += byMs;
  });
}
