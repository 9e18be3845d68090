import { describe, expect, it } from "vitest";
import { START } from "../../../src/model/position.ts";
import { type LogSubject, LogUnderTest, offsetsOf, range, textOf, texts } from "./subject.ts";

const FOREVER = Number.POSITIVE_INFINITY;

export function trimSuite(subject: LogSubject): void {
  describe("trim", () => {
    it("forgets all and goes on with the next offset", async () => {
      const test = await LogUnderTest.open(subject);
      await test.appendAll("inbox/a", texts("m", 1, 40));
      expect(await test.log.trim("inbox/a", FOREVER)).toBe(40);
      expect(await test.log.read("inbox/a", { from: START, limit: 10 })).toEqual({
        records: [],
        gap: false,
        first: { epoch: 1, offset: 41 },
        end: { epoch: 1, offset: 40 },
      });
      expect((await test.append("inbox/a", "m41")).offset).toBe(41);
      expect((await test.readAll("inbox/a")).map(textOf)).toEqual(["m41"]);
    });

    it("goes on with the next offset also when it was opened again after all was trimmed", async () => {
      const test = await LogUnderTest.open(subject);
      await test.appendAll("inbox/a", texts("m", 1, 40));
      await test.log.trim("inbox/a", FOREVER);
      await test.reopen();
      expect(await test.ends("inbox/a")).toMatchObject({ first: 41, end: 40 });
      expect((await test.append("inbox/a", "m41")).offset).toBe(41);
      await test.reopen();
      await test.append("inbox/a", "m42");
      expect(await test.log.trim("inbox/a", FOREVER)).toBe(2);
      await test.reopen();
      expect((await test.append("inbox/a", "m43")).offset).toBe(43);
      expect((await test.readAll("inbox/a")).map(textOf)).toEqual(["m43"]);
    });

    it("leaves other streams as they are", async () => {
      const test = await LogUnderTest.open(subject);
      for (const stream of ["inbox/a", "inbox/b", "inbox/c"]) await test.appendAll(stream, texts("m", 1, 5));
      await test.log.trim("inbox/b", FOREVER);
      expect((await test.readAll("inbox/a")).length).toBe(5);
      expect((await test.readAll("inbox/c")).length).toBe(5);
    });

    it("does nothing to a stream without records", async () => {
      const test = await LogUnderTest.open(subject);
      expect(await test.log.trim("inbox/nobody", FOREVER)).toBe(0);
      expect((await test.append("inbox/nobody", "m")).offset).toBe(1);
      expect(await test.log.trim("inbox/nobody", 0)).toBe(0);
      expect((await test.readAll("inbox/nobody")).length).toBe(1);
    });

    it("works beside appends: nothing that came after is lost, offsets stay dense", async () => {
      const test = await LogUnderTest.open(subject);
      const given: number[] = [];
      const writing = (async () => {
        for (const _ of range(1, 30)) {
          given.push(...offsetsOf(await Promise.all(range(1, 5).map(() => test.append("inbox/a", "m")))));
        }
      })();
      let trimmed = 0;
      while (given.length < 150) {
        const counts = await Promise.all([
          test.log.trim("inbox/a", FOREVER),
          test.log.trim("inbox/a", FOREVER),
        ]);
        trimmed += counts[0] + counts[1];
        await new Promise((resolve) => setImmediate(resolve));
      }
      await writing;
      expect(given.sort((a, b) => a - b)).toEqual(range(1, 150));
      const rest = await test.readAll("inbox/a");
      expect(trimmed + rest.length).toBe(150);
      expect(offsetsOf(rest)).toEqual(range(trimmed + 1, 150));
      await test.reopen();
      expect(await test.ends("inbox/a")).toMatchObject({ first: trimmed + 1, end: 150 });
    });

    it("gets its turn while others append without a pause", async () => {
      const test = await LogUnderTest.open(subject);
      await test.appendAll("inbox/old", texts("m", 1, 20));
      let isTrimmed = false;
      const writers = range(1, 16).map(async (writer) => {
        while (!isTrimmed) await test.append(`inbox/${writer}`, "m");
      });
      expect(await test.log.trim("inbox/old", FOREVER)).toBe(20);
      isTrimmed = true;
      await Promise.all(writers);
    });

    describe.runIf(subject.followsClock)("by age", () => {
      it("forgets what was stored before the time and never what came later", async () => {
        const test = await LogUnderTest.open(subject);
        for (const start of [1, 11, 21]) {
          await test.appendAll("inbox/a", texts("m", start, start + 9));
          test.clock.nowUnixMs += 1000;
        }
        const startMs = test.clock.nowUnixMs - 3000;
        const firstAfterTrim = async (beforeUnixMs: number): Promise<number> => {
          await test.log.trim("inbox/a", beforeUnixMs);
          return (await test.ends("inbox/a")).first;
        };
        expect(await firstAfterTrim(startMs)).toBe(1);
        expect(await firstAfterTrim(startMs + 1000)).toBeLessThanOrEqual(11);
        expect(await firstAfterTrim(startMs + 1001)).toBeLessThanOrEqual(21);
        expect(await firstAfterTrim(startMs + 2000)).toBeLessThanOrEqual(21);
        expect(offsetsOf(await test.readAll("inbox/a")).slice(-10)).toEqual(range(21, 30));
        await test.reopen();
        expect((await test.append("inbox/a", "m31")).offset).toBe(31);
      });
    });
  });
}
