import { describe, expect, it } from "vitest";
import { type LogSubject, LogUnderTest, offsetsOf, range, textOf, texts } from "./subject.ts";

const MIB = 1_048_576;

export function appendSuite(subject: LogSubject): void {
  describe("append", () => {
    it("gives dense offsets from 1 in the order of the calls", async () => {
      const test = await LogUnderTest.open(subject);
      const appended = await test.appendAll("inbox/a", texts("m", 1, 300));
      expect(offsetsOf(appended)).toEqual(range(1, 300));
      expect((await test.readAll("inbox/a")).map(textOf)).toEqual(texts("m", 1, 300));
      expect(appended[0]).toMatchObject({ epoch: 1, offset: 1, duplicate: false });
    });

    it("stays dense and in order per stream with many writers on several streams", async () => {
      const test = await LogUnderTest.open(subject);
      const streams = texts("inbox/s", 1, 7);
      const given = new Map(streams.map((stream) => [stream, [] as number[]]));
      await Promise.all(
        range(0, 63).map(async (writer) => {
          const stream = streams[writer % streams.length] ?? "";
          let before = 0;
          for (const turn of range(1, 10)) {
            const { offset } = await test.append(stream, `${writer} ${turn}`);
            expect(offset).toBeGreaterThan(before);
            before = offset;
            given.get(stream)?.push(offset);
          }
        }),
      );
      for (const [stream, offsets] of given) {
        expect(offsets.sort((a, b) => a - b)).toEqual(range(1, offsets.length));
        const records = await test.readAll(stream);
        expect(offsetsOf(records)).toEqual(range(1, offsets.length));
        expectTurnsInOrder(records.map(textOf));
      }
    });

    it("answers with the id that was given and keeps the bytes as they were", async () => {
      const test = await LogUnderTest.open(subject);
      const id = test.nextId();
      const bytes = Uint8Array.from(range(0, 255));
      expect(await test.log.append("inbox/a", { id, bytes })).toEqual({
        id,
        epoch: 1,
        offset: 1,
        duplicate: false,
      });
      const [record] = await test.readAll("inbox/a");
      expect(Buffer.from(record?.bytes ?? []).equals(Buffer.from(bytes))).toBe(true);
    });

    it("takes empty records and slices of a larger buffer", async () => {
      const test = await LogUnderTest.open(subject);
      const whole = Buffer.from("beforeMIDDLEafter");
      await test.log.append("inbox/a", { id: test.nextId(), bytes: new Uint8Array(0) });
      await test.log.append("inbox/a", { id: test.nextId(), bytes: whole.subarray(6, 12) });
      await test.reopen();
      expect((await test.readAll("inbox/a")).map(textOf)).toEqual(["", "MIDDLE"]);
    });

    it("keeps what was answered when it is opened again, and goes on from there", async () => {
      const test = await LogUnderTest.open(subject);
      await test.appendAll("inbox/a", texts("m", 1, 20));
      await test.reopen();
      expect((await test.append("inbox/a", "m21")).offset).toBe(21);
      await test.reopen();
      expect((await test.readAll("inbox/a")).map(textOf)).toEqual(texts("m", 1, 21));
    });

    it("makes durable what was called before it was closed, and refuses what comes after", async () => {
      const test = await LogUnderTest.open(subject);
      const log = test.log;
      const called = test.appendAll("inbox/a", texts("m", 1, 50));
      await test.reopen();
      expect(offsetsOf(await called)).toEqual(range(1, 50));
      expect((await test.readAll("inbox/a")).length).toBe(50);
      await expect(
        log.append("inbox/a", { id: test.nextId(), bytes: Buffer.from("late") }),
      ).rejects.toMatchObject({ code: "unavailable" });
    });

    it("keeps streams apart", async () => {
      const test = await LogUnderTest.open(subject);
      await Promise.all(
        ["inbox/a", "inbox/ab", "inbox/a-b", "channel/a"].map((name) => test.append(name, name)),
      );
      for (const name of ["inbox/a", "inbox/ab", "inbox/a-b", "channel/a"]) {
        expect((await test.readAll(name)).map(textOf)).toEqual([name]);
      }
    });

    it("takes records of 1 MiB", { timeout: 30_000 }, async () => {
      const test = await LogUnderTest.open(subject);
      const bytes = Buffer.alloc(MIB, "x");
      const huge = range(1, 12).map(() => test.log.append("inbox/a", { id: test.nextId(), bytes }));
      const small = texts("s", 1, 20).map((text) => test.append("inbox/a", text));
      expect(offsetsOf(await Promise.all([...huge, ...small]))).toEqual(range(1, 32));
      await test.reopen();
      const records = await test.readAll("inbox/a");
      expect(records.slice(0, 12).every((record) => bytes.equals(record.bytes))).toBe(true);
      expect(records.slice(12).map(textOf)).toEqual(texts("s", 1, 20));
    });

    it("serves 20,000 streams of which few are in memory", { timeout: 60_000 }, async () => {
      const test = await LogUnderTest.open(subject, { stateCapacity: 100 });
      const streams = texts("inbox/agent-", 1, 20_000);
      for (const turn of [1, 2]) {
        const appended = await Promise.all(streams.map((stream) => test.append(stream, `${stream} ${turn}`)));
        expect(appended.every(({ offset }) => offset === turn)).toBe(true);
      }
      await test.reopen();
      for (const stream of streams.filter((_, index) => index % 97 === 0)) {
        expect((await test.append(stream, "after")).offset).toBe(3);
        expect((await test.readAll(stream)).map(textOf)).toEqual([`${stream} 1`, `${stream} 2`, "after"]);
      }
    });

    it("does not mix up streams while more are in use than are kept in memory", async () => {
      const test = await LogUnderTest.open(subject, { stateCapacity: 2 });
      const streams = texts("inbox/w", 1, 30);
      const woken: string[] = [];
      for (const stream of streams) test.log.watch(stream, (records) => woken.push(...records.map(textOf)));
      for (const turn of [1, 2, 3]) {
        const appended = await Promise.all(
          streams.flatMap((stream) => [
            test.append(stream, `${stream} ${turn}`),
            test.append(stream, "again"),
          ]),
        );
        expect(offsetsOf(appended)).toEqual(streams.flatMap(() => [turn * 2 - 1, turn * 2]));
      }
      expect(woken.filter((text) => text !== "again").length).toBe(90);
    });
  });
}

function expectTurnsInOrder(records: readonly string[]): void {
  const seen = new Map<string, number>();
  for (const text of records) {
    const [writer = "", turn = "0"] = text.split(" ");
    expect(Number(turn)).toBe((seen.get(writer) ?? 0) + 1);
    seen.set(writer, Number(turn));
  }
}
