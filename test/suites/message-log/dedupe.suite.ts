import { describe, expect, it } from "vitest";
import { type LogSubject, LogUnderTest, range, textOf, texts } from "./subject.ts";

const WINDOW_MS = 86_400_000;

export function dedupeSuite(subject: LogSubject): void {
  describe("dedupe", () => {
    const dedupe = { key: "order-7", windowMs: WINDOW_MS };

    it("gives the first one's place and id for a repeat, and appends nothing", async () => {
      const test = await LogUnderTest.open(subject);
      await test.append("inbox/a", "before");
      const first = await test.append("inbox/a", "first", { dedupe });
      expect(first).toMatchObject({ offset: 2, duplicate: false });
      expect(await test.append("inbox/a", "second", { dedupe })).toEqual({ ...first, duplicate: true });
      expect((await test.readAll("inbox/a")).map(textOf)).toEqual(["before", "first"]);
    });

    it("appends once for concurrent repeats", async () => {
      const test = await LogUnderTest.open(subject);
      const answers = await Promise.all(
        range(1, 40).map((n) => test.append("inbox/a", `try ${n}`, { dedupe })),
      );
      const first = answers.find(({ duplicate }) => !duplicate);
      expect(answers.filter(({ duplicate }) => !duplicate).length).toBe(1);
      for (const answer of answers) expect(answer).toMatchObject({ id: first?.id, epoch: 1, offset: 1 });
      expect((await test.ends("inbox/a")).end).toBe(1);
    });

    it("remembers after it is opened again", async () => {
      const test = await LogUnderTest.open(subject);
      const first = await test.append("inbox/a", "first", { dedupe });
      await test.reopen();
      expect(await test.append("inbox/a", "second", { dedupe })).toEqual({ ...first, duplicate: true });
    });

    it("remembers although the record is trimmed", async () => {
      const test = await LogUnderTest.open(subject);
      const first = await test.append("inbox/a", "first", { dedupe });
      await test.log.trim("inbox/a", Number.POSITIVE_INFINITY);
      expect(await test.append("inbox/a", "second", { dedupe })).toEqual({ ...first, duplicate: true });
    });

    it("knows keys of each stream apart, and keys that start alike", async () => {
      const test = await LogUnderTest.open(subject);
      const keys = ["k", "k1", "k\n", "", "K", "ключ", "x".repeat(256), "x".repeat(257), "x".repeat(5000)];
      for (const stream of ["inbox/a", "inbox/b"]) {
        const appended = await Promise.all(
          keys.map((key) => test.append(stream, key, { dedupe: { key, windowMs: WINDOW_MS } })),
        );
        expect(appended.map(({ duplicate }) => duplicate)).toEqual(keys.map(() => false));
      }
      await test.reopen();
      for (const [index, key] of keys.entries()) {
        const again = await test.append("inbox/b", "again", { dedupe: { key, windowMs: WINDOW_MS } });
        expect(again).toMatchObject({ offset: index + 1, duplicate: true });
      }
    });

    it("leaves a key free when the append was refused", async () => {
      const test = await LogUnderTest.open(subject);
      await test.append("inbox/a", "first");
      const bound = { records: 1, bytes: 1000 };
      await expect(test.append("inbox/a", "second", { dedupe, bound })).rejects.toMatchObject({
        code: "inbox_full",
      });
      expect(await test.append("inbox/a", "second", { dedupe })).toMatchObject({
        offset: 2,
        duplicate: false,
      });
    });

    it("answers a repeat also when the inbox is full by now", async () => {
      const test = await LogUnderTest.open(subject);
      const bound = { records: 1, bytes: 1000 };
      const first = await test.append("inbox/a", "first", { dedupe, bound });
      expect(await test.append("inbox/a", "first", { dedupe, bound })).toEqual({ ...first, duplicate: true });
    });

    describe.runIf(subject.followsClock)("with a moved clock", () => {
      it("forgets a key after its window, and remembers it anew from then on", async () => {
        const test = await LogUnderTest.open(subject);
        await test.append("inbox/a", "first", { dedupe });
        test.clock.nowUnixMs += WINDOW_MS - 1;
        expect((await test.append("inbox/a", "early", { dedupe })).duplicate).toBe(true);
        test.clock.nowUnixMs += 10;
        const second = await test.append("inbox/a", "second", { dedupe });
        expect(second).toMatchObject({ offset: 2, duplicate: false });
        for (const _ of range(1, 3)) {
          // Other keys make the engine look for keys that are due.
          await test.append("inbox/a", "other", { dedupe: { key: test.nextId(), windowMs: WINDOW_MS } });
          expect(await test.append("inbox/a", "third", { dedupe })).toEqual({ ...second, duplicate: true });
        }
        test.clock.nowUnixMs += WINDOW_MS - 1;
        await test.reopen();
        expect(await test.append("inbox/a", "fourth", { dedupe })).toEqual({ ...second, duplicate: true });
      });

      it("keeps windows of different lengths apart while it forgets", async () => {
        const test = await LogUnderTest.open(subject);
        const keyed = (name: string, windowMs: number) =>
          test.append("inbox/a", name, { dedupe: { key: name, windowMs } });
        await Promise.all([
          ...texts("short", 1, 50).map((name) => keyed(name, 1000)),
          keyed("long", WINDOW_MS),
        ]);
        test.clock.nowUnixMs += 2000;
        await Promise.all(texts("other", 1, 50).map((name) => keyed(name, WINDOW_MS)));
        expect((await keyed("long", WINDOW_MS)).duplicate).toBe(true);
        expect((await keyed("short1", 1000)).duplicate).toBe(false);
        expect((await keyed("other7", 1000)).duplicate).toBe(true);
      });
    });
  });
}
