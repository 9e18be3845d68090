import { describe, expect, it } from "vitest";
import type { LogRecord } from "../../../src/ports/message-log.ts";
import { until } from "../../support/until.ts";
import { type LogSubject, LogUnderTest, offsetsOf, range, textOf, texts } from "./subject.ts";

export function watchSuite(subject: LogSubject): void {
  describe("watch", () => {
    it("wakes after the records are durable and readable, in order, with dense records when it carries them", async () => {
      const test = await LogUnderTest.open(subject);
      const carried: LogRecord[] = [];
      const seenEnds: number[] = [];
      let wakes = 0;
      const checks: Promise<void>[] = [];
      test.log.watch("inbox/a", (records) => {
        wakes++;
        carried.push(...records);
        const upTo = records.at(-1)?.offset ?? 0;
        checks.push(
          test.ends("inbox/a").then(({ end }) => {
            expect(end).toBeGreaterThanOrEqual(upTo);
            seenEnds.push(end);
          }),
        );
      });
      for (const start of [1, 11, 21]) await test.appendAll("inbox/a", texts("m", start, start + 9));
      await until("a wake for the last record", async () => {
        await Promise.all(checks);
        return seenEnds.at(-1) === 30;
      });
      expect(wakes).toBeGreaterThan(0);
      if (test.log.traits.lossyWakes) return;
      expect(offsetsOf(carried)).toEqual(range(1, 30));
      expect(carried.map(textOf)).toEqual(texts("m", 1, 30));
    });

    it("has woken watchers by the time append answers, when wakes are not lossy", async () => {
      const test = await LogUnderTest.open(subject);
      if (test.log.traits.lossyWakes) return;
      let last = 0;
      test.log.watch("inbox/a", (records) => {
        last = records.at(-1)?.offset ?? last;
      });
      for (const offset of range(1, 20)) {
        await test.append("inbox/a", "m");
        expect(last).toBe(offset);
      }
    });

    it("wakes every watcher of the stream and none of another", async () => {
      const test = await LogUnderTest.open(subject);
      const woken = { a1: 0, a2: 0, b: 0 };
      test.log.watch("inbox/a", () => woken.a1++);
      test.log.watch("inbox/a", () => woken.a2++);
      test.log.watch("inbox/b", () => woken.b++);
      await test.append("inbox/a", "m");
      await until("both wakes", () => woken.a1 > 0 && woken.a2 > 0);
      expect(woken.b).toBe(0);
    });

    it("wakes no more after unwatch, and the other watcher goes on", async () => {
      const test = await LogUnderTest.open(subject);
      let gone = 0;
      let kept = 0;
      const unwatch = test.log.watch("inbox/a", () => gone++);
      test.log.watch("inbox/a", () => kept++);
      await test.append("inbox/a", "one");
      await until("the first wakes", () => gone > 0 && kept > 0);
      const before = { gone, kept };
      unwatch();
      unwatch();
      await test.append("inbox/a", "two");
      await until("the second wake", () => kept > before.kept);
      expect(gone).toBe(before.gone);
    });

    it("goes on when a watcher throws", async () => {
      const test = await LogUnderTest.open(subject);
      let kept = 0;
      test.log.watch("inbox/a", () => {
        throw new Error("a watcher's mistake");
      });
      test.log.watch("inbox/a", () => kept++);
      expect((await test.append("inbox/a", "m")).offset).toBe(1);
      await until("the other wake", () => kept > 0);
      expect((await test.append("inbox/a", "m")).offset).toBe(2);
    });

    it("lets a watcher append, read and ack from its wake", async () => {
      const test = await LogUnderTest.open(subject);
      const answers: Promise<unknown>[] = [];
      test.log.watch("inbox/a", (records) => {
        const last = records.at(-1);
        if (last === undefined) return;
        answers.push(test.append("inbox/b", "echo"), test.log.ack("inbox/a", "inbox", last));
      });
      await test.appendAll("inbox/a", texts("m", 1, 5));
      await until("the echo", async () => (await test.ends("inbox/b")).end > 0);
      await Promise.all(answers);
      await until("the mark", async () => (await test.log.acked("inbox/a", "inbox")).offset === 5);
    });

    it("does not wake for a duplicate", async () => {
      const test = await LogUnderTest.open(subject);
      const dedupe = { key: "k", windowMs: 60_000 };
      await test.append("inbox/a", "m", { dedupe });
      const woken: string[] = [];
      test.log.watch("inbox/a", (records) => woken.push(...records.map(textOf)));
      await test.append("inbox/a", "m", { dedupe });
      await test.append("inbox/a", "next");
      await until("the next record", () => woken.includes("next"));
      expect(woken).toEqual(["next"]);
    });
  });
}
