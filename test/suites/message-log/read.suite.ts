import { describe, expect, it } from "vitest";
import { START } from "../../../src/model/position.ts";
import { type LogSubject, LogUnderTest, offsetsOf, range, textOf, texts } from "./subject.ts";

/** Records of several commits, so that engines which store them together have more than one place to look. */
async function thirtyRecords(subject: LogSubject): Promise<LogUnderTest> {
  const test = await LogUnderTest.open(subject);
  await test.appendAll("inbox/a", texts("m", 1, 10));
  for (const text of texts("m", 11, 15)) await test.append("inbox/a", text);
  await test.appendAll("inbox/a", texts("m", 16, 30));
  return test;
}

export function readSuite(subject: LogSubject): void {
  describe("read", () => {
    it("goes forward from any place, exclusive, with any limit", async () => {
      const test = await thirtyRecords(subject);
      for (const after of [0, 1, 9, 10, 11, 15, 16, 29, 30]) {
        for (const limit of [1, 2, 7, 100]) {
          const page = await test.log.read("inbox/a", { from: { epoch: 1, offset: after }, limit });
          expect(offsetsOf(page.records)).toEqual(range(after + 1, Math.min(30, after + limit)));
          expect(page).toMatchObject({
            gap: false,
            first: { epoch: 1, offset: 1 },
            end: { epoch: 1, offset: 30 },
          });
        }
      }
    });

    it("goes backward from any place, exclusive, and from START at the end", async () => {
      const test = await thirtyRecords(subject);
      for (const before of [1, 2, 10, 11, 12, 16, 17, 30, 31]) {
        for (const limit of [1, 2, 7, 100]) {
          const from = { epoch: 1, offset: before };
          const page = await test.log.read("inbox/a", { from, direction: "backward", limit });
          expect(offsetsOf(page.records)).toEqual(range(Math.max(1, before - limit), before - 1).reverse());
          expect(page.gap).toBe(false);
        }
      }
      const page = await test.log.read("inbox/a", { from: START, direction: "backward", limit: 3 });
      expect(page.records.map(textOf)).toEqual(["m30", "m29", "m28"]);
    });

    it("ends a page before the record that would pass maxBytes, but gives at least one", async () => {
      const test = await LogUnderTest.open(subject);
      await test.appendAll("inbox/a", ["1234", "12345", "1", "1234567890", "12"]);
      const read = async (after: number, maxBytes: number, direction: "forward" | "backward" = "forward") => {
        const from = { epoch: 1, offset: after };
        const page = await test.log.read("inbox/a", { from, limit: 10, maxBytes, direction });
        return offsetsOf(page.records);
      };
      expect(await read(0, 9)).toEqual([1, 2]);
      expect(await read(0, 10)).toEqual([1, 2, 3]);
      expect(await read(0, 1)).toEqual([1]);
      expect(await read(3, 5)).toEqual([4]);
      expect(await read(6, 12, "backward")).toEqual([5, 4]);
      expect(await read(5, 3, "backward")).toEqual([4]);
    });

    it("keeps a page bounded when maxBytes is not given", async () => {
      const test = await LogUnderTest.open(subject);
      const bytes = Buffer.alloc(300_000);
      await Promise.all(range(1, 20).map(() => test.log.append("inbox/a", { id: test.nextId(), bytes })));
      const page = await test.log.read("inbox/a", { from: START, limit: 500 });
      expect(page.records.length).toBeGreaterThan(0);
      expect(page.records.length).toBeLessThan(20);
      expect((await test.readAll("inbox/a")).length).toBe(20);
    });

    it("gives only the state with limit 0", async () => {
      const test = await thirtyRecords(subject);
      expect(await test.log.read("inbox/a", { from: START, limit: 0 })).toEqual({
        records: [],
        gap: false,
        first: { epoch: 1, offset: 1 },
        end: { epoch: 1, offset: 30 },
      });
    });

    it("shows a stream that never had a record as empty", async () => {
      const test = await LogUnderTest.open(subject);
      const page = await test.log.read("inbox/nobody", { from: START, limit: 10 });
      expect(page).toEqual({
        records: [],
        gap: false,
        first: { epoch: 1, offset: 1 },
        end: { epoch: 1, offset: 0 },
      });
      const known = await test.log.read("inbox/nobody", { from: page.end, limit: 10 });
      expect(known.gap).toBe(false);
    });

    it("tells a gap beyond the end and for another epoch, without records", async () => {
      const test = await thirtyRecords(subject);
      const gapAt = async (epoch: number, offset: number) =>
        (await test.log.read("inbox/a", { from: { epoch, offset }, limit: 10 })).gap;
      expect(await gapAt(1, 30)).toBe(false);
      expect(await gapAt(1, 31)).toBe(true);
      expect(await gapAt(2, 5)).toBe(true);
      expect(await gapAt(2, 0)).toBe(true);
      expect(await gapAt(0, 0)).toBe(false);
      const page = await test.log.read("inbox/a", { from: { epoch: 7, offset: 3 }, limit: 10 });
      expect(page).toEqual({
        records: [],
        gap: true,
        first: { epoch: 1, offset: 1 },
        end: { epoch: 1, offset: 30 },
      });
      const backward = { from: { epoch: 7, offset: 3 }, limit: 10, direction: "backward" } as const;
      expect((await test.log.read("inbox/a", backward)).gap).toBe(true);
    });

    it("tells a gap before the first record that is kept", async () => {
      const test = await thirtyRecords(subject);
      await test.log.trim("inbox/a", Number.POSITIVE_INFINITY);
      await test.appendAll("inbox/a", texts("m", 31, 35));
      const { first } = await test.ends("inbox/a");
      expect(first).toBe(31);
      const read = (offset: number) => test.log.read("inbox/a", { from: { epoch: 1, offset }, limit: 10 });
      expect((await read(29)).gap).toBe(true);
      expect((await read(0)).gap).toBe(true);
      expect(offsetsOf((await read(30)).records)).toEqual(range(31, 35));
      expect(offsetsOf((await test.log.read("inbox/a", { from: START, limit: 2 })).records)).toEqual([
        31, 32,
      ]);
      const backward = { from: { epoch: 1, offset: 33 }, limit: 10, direction: "backward" } as const;
      expect(offsetsOf((await test.log.read("inbox/a", backward)).records)).toEqual([32, 31]);
    });

    it("gives a record as soon as its append has answered, also to readers that just read", async () => {
      const test = await LogUnderTest.open(subject);
      for (const offset of range(1, 50)) {
        const before = { from: { epoch: 1, offset: offset - 1 }, limit: 1 };
        expect((await test.log.read("inbox/a", before)).records).toEqual([]);
        await test.append("inbox/a", `m${offset}`);
        expect((await test.log.read("inbox/a", before)).records.map(textOf)).toEqual([`m${offset}`]);
      }
    });

    it("never gives a record before its append has answered or failed", async () => {
      const test = await LogUnderTest.open(subject);
      let answered = 0;
      let isDone = false;
      const writing = Promise.all(
        range(1, 400).map(async (number) => {
          if (number % 40 === 0) await new Promise((resolve) => setImmediate(resolve));
          const { offset } = await test.append("inbox/a", "m");
          answered = Math.max(answered, offset);
        }),
      ).then(() => {
        isDone = true;
      });
      while (!isDone) {
        const page = await test.log.read("inbox/a", { from: START, limit: 1000 });
        // The answers of one commit are handed out within the turn that makes it readable.
        await new Promise((resolve) => setImmediate(resolve));
        expect(page.end.offset).toBeLessThanOrEqual(answered);
        expect(offsetsOf(page.records)).toEqual(range(1, page.end.offset));
      }
      await writing;
    });
  });
}
