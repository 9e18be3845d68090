import { describe, expect, it } from "vitest";
import { START } from "../../../src/model/position.ts";
import type { ReaderName } from "../../../src/ports/message-log.ts";
import { type LogSubject, LogUnderTest, range, texts } from "./subject.ts";

const READERS: readonly ReaderName[] = ["inbox", "delivered", "receipts", "fanout"];

async function tenRecords(subject: LogSubject): Promise<LogUnderTest> {
  const test = await LogUnderTest.open(subject);
  await test.appendAll("inbox/a", texts("m", 1, 10));
  return test;
}

export function marksSuite(subject: LogSubject): void {
  describe("ack and acked", () => {
    it("starts where nothing is read", async () => {
      const test = await LogUnderTest.open(subject);
      expect(await test.log.acked("inbox/nobody", "inbox")).toMatchObject({ offset: 0, atUnixMs: 0 });
    });

    it("is cumulative and only moves forward", async () => {
      const test = await tenRecords(subject);
      expect(await test.log.ack("inbox/a", "inbox", { epoch: 1, offset: 4 })).toMatchObject({
        epoch: 1,
        offset: 4,
      });
      expect(await test.log.ack("inbox/a", "inbox", { epoch: 1, offset: 2 })).toMatchObject({
        epoch: 1,
        offset: 4,
      });
      expect(await test.log.ack("inbox/a", "inbox", START)).toMatchObject({ epoch: 1, offset: 4 });
      expect(await test.log.ack("inbox/a", "inbox", { epoch: 1, offset: 10 })).toMatchObject({ offset: 10 });
      expect(await test.log.acked("inbox/a", "inbox")).toMatchObject({ epoch: 1, offset: 10 });
    });

    it("ends at the highest of many concurrent acks", async () => {
      const test = await tenRecords(subject);
      const acks = [3, 9, 1, 7, 9, 2].map((offset) => test.log.ack("inbox/a", "inbox", { epoch: 1, offset }));
      for (const mark of await Promise.all(acks)) expect(mark.offset).toBeGreaterThan(0);
      expect((await test.log.acked("inbox/a", "inbox")).offset).toBe(9);
      await test.reopen();
      expect((await test.log.acked("inbox/a", "inbox")).offset).toBe(9);
    });

    it("refuses a position beyond the end or of another epoch as a gap", async () => {
      const test = await tenRecords(subject);
      for (const position of [
        { epoch: 1, offset: 11 },
        { epoch: 2, offset: 3 },
        { epoch: 0, offset: 3 },
      ]) {
        await expect(test.log.ack("inbox/a", "inbox", position)).rejects.toMatchObject({ code: "gap" });
      }
      await expect(test.log.ack("inbox/nobody", "inbox", { epoch: 1, offset: 1 })).rejects.toMatchObject({
        code: "gap",
      });
      expect((await test.log.acked("inbox/a", "inbox")).offset).toBe(0);
    });

    it("keeps a mark of its own for each reader and stream, also when it is opened again", async () => {
      const test = await tenRecords(subject);
      await test.appendAll("inbox/b", texts("m", 1, 10));
      await Promise.all([
        ...READERS.map((reader, index) => test.log.ack("inbox/a", reader, { epoch: 1, offset: index + 1 })),
        ...READERS.map((reader, index) => test.log.ack("inbox/b", reader, { epoch: 1, offset: 10 - index })),
      ]);
      const marks = async (stream: string) =>
        Promise.all(READERS.map(async (reader) => (await test.log.acked(stream, reader)).offset));
      expect(await marks("inbox/a")).toEqual([1, 2, 3, 4]);
      expect(await marks("inbox/b")).toEqual([10, 9, 8, 7]);
      await test.reopen();
      expect(await marks("inbox/a")).toEqual([1, 2, 3, 4]);
      expect(await marks("inbox/b")).toEqual([10, 9, 8, 7]);
    });

    it.runIf(subject.followsClock)("tells when the mark came where it is", async () => {
      const test = await tenRecords(subject);
      test.clock.nowUnixMs += 5000;
      const atUnixMs = test.clock.nowUnixMs;
      expect(await test.log.ack("inbox/a", "inbox", { epoch: 1, offset: 3 })).toMatchObject({ atUnixMs });
      test.clock.nowUnixMs += 5000;
      await test.log.ack("inbox/a", "inbox", { epoch: 1, offset: 2 });
      await test.reopen();
      expect(await test.log.acked("inbox/a", "inbox")).toEqual({ epoch: 1, offset: 3, atUnixMs });
    });

    it("answers a repeated ack only when the mark is durable", async () => {
      const test = await tenRecords(subject);
      const answered: string[] = [];
      const first = test.log
        .ack("inbox/a", "inbox", { epoch: 1, offset: 5 })
        .then(() => answered.push("first"));
      const again = test.log
        .ack("inbox/a", "inbox", { epoch: 1, offset: 5 })
        .then(() => answered.push("again"));
      await Promise.all([first, again]);
      expect(answered).toEqual(["first", "again"]);
    });

    it("answers acks that nothing is appended beside, soon and together", async () => {
      const test = await tenRecords(subject);
      const startMs = performance.now();
      await Promise.all(range(1, 10).map((offset) => test.log.ack("inbox/a", "inbox", { epoch: 1, offset })));
      expect(performance.now() - startMs).toBeLessThan(1000);
    });

    it("stays where it is when the stream is trimmed, and can still be moved to the end", async () => {
      const test = await tenRecords(subject);
      await test.log.ack("inbox/a", "inbox", { epoch: 1, offset: 4 });
      await test.log.trim("inbox/a", Number.POSITIVE_INFINITY);
      expect((await test.log.acked("inbox/a", "inbox")).offset).toBe(4);
      await test.reopen();
      expect((await test.log.acked("inbox/a", "inbox")).offset).toBe(4);
      expect((await test.log.ack("inbox/a", "inbox", { epoch: 1, offset: 10 })).offset).toBe(10);
    });
  });
}
