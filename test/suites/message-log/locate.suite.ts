import { describe, expect, it } from "vitest";
import { createMessageIds } from "../../../src/model/message-id.ts";
import type { Appended } from "../../../src/ports/message-log.ts";
import { type LogSubject, LogUnderTest, range } from "./subject.ts";

const DAY_MS = 86_400_000;

interface Placed {
  readonly stream: string;
  readonly appended: Appended;
}

async function expectFound(test: LogUnderTest, placed: readonly Placed[]): Promise<void> {
  for (const { stream, appended } of placed) {
    const position = { epoch: appended.epoch, offset: appended.offset };
    expect(await test.log.locate(appended.id)).toEqual({ stream, position });
  }
}

/** Appends under the id to one of five streams. */
async function place(test: LogUnderTest, id: string, number: number): Promise<Placed> {
  const stream = `inbox/${number % 5}`;
  return { stream, appended: await test.log.append(stream, { id, bytes: Buffer.from(`m${number}`) }) };
}

export function locateSuite(subject: LogSubject): void {
  describe("locate", () => {
    it("finds every message while it is kept, also when it was opened again", async () => {
      const test = await LogUnderTest.open(subject);
      const placed = await Promise.all(range(1, 200).map((number) => place(test, test.nextId(), number)));
      for (const number of range(1, 20)) {
        test.clock.nowUnixMs += 3;
        placed.push(await place(test, test.nextId(), number));
      }
      await expectFound(test, placed);
      await test.reopen();
      await expectFound(test, placed);
    });

    it("knows nothing of ids that were never appended", async () => {
      const test = await LogUnderTest.open(subject);
      const before = test.nextId();
      expect(await test.log.locate(before)).toBeUndefined();
      await place(test, test.nextId(), 1);
      expect(await test.log.locate(before)).toBeUndefined();
      expect(await test.log.locate(test.nextId())).toBeUndefined();
    });

    it("forgets with trim, and only what was trimmed", async () => {
      const test = await LogUnderTest.open(subject);
      const placed = await Promise.all(range(1, 100).map((number) => place(test, test.nextId(), number)));
      await test.log.trim("inbox/3", Number.POSITIVE_INFINITY);
      const isGone = ({ stream }: Placed): boolean => stream === "inbox/3";
      for (const { appended } of placed.filter(isGone)) {
        expect(await test.log.locate(appended.id)).toBeUndefined();
      }
      await expectFound(
        test,
        placed.filter((one) => !isGone(one)),
      );
      await test.log.trim("inbox/1", Number.POSITIVE_INFINITY);
      await test.reopen();
      await expectFound(
        test,
        placed.filter(({ stream }) => stream !== "inbox/3" && stream !== "inbox/1"),
      );
    });

    it("finds old messages of a stream that keeps them longer than others that are trimmed", async () => {
      const test = await LogUnderTest.open(subject);
      const kept = await place(test, test.nextId(), 1);
      for (const _ of range(1, 40)) {
        test.clock.nowUnixMs += DAY_MS / 2;
        await place(test, test.nextId(), 2);
        await test.log.trim("inbox/2", test.clock.nowUnixMs - DAY_MS);
      }
      await test.log.trim("inbox/2", Number.POSITIVE_INFINITY);
      await expectFound(test, [kept]);
    });

    it("finds ids that are out of order within a commit and across commits", async () => {
      const test = await LogUnderTest.open(subject);
      const ids = range(1, 300).map(() => {
        test.clock.nowUnixMs += 7;
        return test.nextId();
      });
      const mixed = ids.map((id, index) => ids[(index * 127) % ids.length] ?? id);
      const placed: Placed[] = [];
      for (const start of range(0, 29)) {
        const part = mixed.slice(start * 10, start * 10 + 10);
        placed.push(...(await Promise.all(part.map((id, index) => place(test, id, start + index)))));
      }
      await expectFound(test, placed);
    });

    it("finds messages that a peer made days ago among those of now", async () => {
      const test = await LogUnderTest.open(subject);
      let peerMs = test.clock.nowUnixMs - 3 * DAY_MS;
      const peerId = createMessageIds(() => {
        peerMs += 60_000;
        return peerMs;
      });
      const placed: Placed[] = [];
      for (const _ of range(1, 300)) {
        test.clock.nowUnixMs += 5;
        const ids = [test.nextId(), peerId(), test.nextId(), peerId(), test.nextId()];
        placed.push(...(await Promise.all(ids.map((id, index) => place(test, id, index)))));
      }
      await expectFound(test, placed);
      await test.reopen();
      await expectFound(test, placed);
    });

    it("finds messages after the clock jumped back and the maker of ids began anew", async () => {
      const test = await LogUnderTest.open(subject);
      const placed: Placed[] = [];
      for (const jumpMs of [0, 500, 500]) {
        await test.reopen();
        test.clock.nowUnixMs -= jumpMs;
        const nextId = createMessageIds(() => test.clock.nowUnixMs);
        for (const number of range(1, 100)) {
          test.clock.nowUnixMs += 4;
          placed.push(await place(test, nextId(), number));
        }
      }
      await expectFound(test, placed);
    });
  });
}
