import { describe, expect, it } from "vitest";
import { type LogSubject, LogUnderTest, range, texts } from "./subject.ts";

const MANY = 1_000_000_000;

export function boundSuite(subject: LogSubject): void {
  describe("bound", () => {
    it("refuses beyond the number of unread records, exactly, also with concurrent calls", async () => {
      const test = await LogUnderTest.open(subject);
      const bound = { records: 5, bytes: MANY };
      const tries = await Promise.allSettled(range(1, 12).map(() => test.append("inbox/a", "m", { bound })));
      expect(tries.map(({ status }) => status)).toEqual([
        ...range(1, 5).map(() => "fulfilled"),
        ...range(6, 12).map(() => "rejected"),
      ]);
      expect(tries[11]).toMatchObject({ reason: { name: "MeshError", code: "inbox_full" } });
      expect((await test.ends("inbox/a")).end).toBe(5);
    });

    it("refuses beyond the number of unread bytes, exactly", async () => {
      const test = await LogUnderTest.open(subject);
      const bound = { records: MANY, bytes: 100 };
      const append = (bytes: number) => test.append("inbox/a", "x".repeat(bytes), { bound });
      await append(60);
      await expect(append(41)).rejects.toMatchObject({ code: "inbox_full" });
      await append(40);
      await expect(append(1)).rejects.toMatchObject({ code: "inbox_full" });
      expect((await test.ends("inbox/a")).end).toBe(2);
    });

    it("has room again after an ack, as much as was read", async () => {
      const test = await LogUnderTest.open(subject);
      const bound = { records: 4, bytes: 100 };
      for (const size of [10, 20, 30, 40]) await test.append("inbox/a", "x".repeat(size), { bound });
      await expect(test.append("inbox/a", "", { bound })).rejects.toMatchObject({ code: "inbox_full" });
      await test.log.ack("inbox/a", "inbox", { epoch: 1, offset: 2 });
      await expect(test.append("inbox/a", "x".repeat(31), { bound })).rejects.toMatchObject({
        code: "inbox_full",
      });
      await test.append("inbox/a", "x".repeat(15), { bound });
      await test.append("inbox/a", "x".repeat(15), { bound });
      await expect(test.append("inbox/a", "", { bound })).rejects.toMatchObject({ code: "inbox_full" });
    });

    it("counts rightly after it is opened again, with part of the backlog read", async () => {
      const test = await LogUnderTest.open(subject);
      await Promise.all(range(1, 10).map(() => test.append("inbox/a", "x".repeat(10))));
      await test.log.ack("inbox/a", "inbox", { epoch: 1, offset: 3 });
      await test.reopen();
      const append = (bytes: number) =>
        test.append("inbox/a", "x".repeat(bytes), { bound: { records: 9, bytes: 100 } });
      await expect(append(31)).rejects.toMatchObject({ code: "inbox_full" });
      await append(10);
      await append(20);
      await expect(append(0)).rejects.toMatchObject({ code: "inbox_full" });
    });

    it("does not count what is trimmed", async () => {
      const test = await LogUnderTest.open(subject);
      const bound = { records: 3, bytes: 30 };
      for (const text of texts("unread", 1, 3)) await test.append("inbox/a", text, { bound });
      await expect(test.append("inbox/a", "m", { bound })).rejects.toMatchObject({ code: "inbox_full" });
      await test.log.trim("inbox/a", Number.POSITIVE_INFINITY);
      expect((await test.append("inbox/a", "m", { bound })).offset).toBe(4);
      await test.reopen();
      expect((await test.append("inbox/a", "m", { bound })).offset).toBe(5);
    });

    it("looks only at what the reader inbox has acknowledged", async () => {
      const test = await LogUnderTest.open(subject);
      const bound = { records: 1, bytes: 100 };
      await test.append("inbox/a", "m", { bound });
      await test.log.ack("inbox/a", "delivered", { epoch: 1, offset: 1 });
      await expect(test.append("inbox/a", "m", { bound })).rejects.toMatchObject({ code: "inbox_full" });
    });

    it("applies to the calls that carry it and leaves other streams alone", async () => {
      const test = await LogUnderTest.open(subject);
      const bound = { records: 1, bytes: 100 };
      await test.append("inbox/a", "m", { bound });
      expect((await test.append("inbox/a", "m")).offset).toBe(2);
      expect((await test.append("inbox/b", "m", { bound })).offset).toBe(1);
    });
  });
}
