import { describe, expect, it } from "vitest";
import { Receipts } from "../../../src/core/receipts.ts";
import { newCounts } from "../../../src/model/counts.ts";
import { createMessageIds } from "../../../src/model/message-id.ts";
import { START } from "../../../src/model/position.ts";
import type { OpenMessageLog } from "../../../src/ports/message-log.ts";
import {
  BOUNDS,
  createKeptLogger,
  HeldClock,
  type KeptLogger,
  LogFolder,
  receiptsIn,
  storedMessage,
} from "../../support/core-fixture.ts";

const INBOX = "inbox/bob";

class ReceiptsUnderTest {
  readonly clock = new HeldClock();
  readonly logger: KeptLogger = createKeptLogger();
  readonly removed = new Set<string>();
  readonly ids = createMessageIds(() => this.clock.nowMs);
  receipts: Receipts;
  log: OpenMessageLog;
  readonly #folder: LogFolder;

  private constructor(folder: LogFolder, log: OpenMessageLog, clock: HeldClock) {
    this.#folder = folder;
    this.clock = clock;
    this.log = log;
    this.receipts = this.#make();
  }

  static async open(): Promise<ReceiptsUnderTest> {
    const clock = new HeldClock();
    const folder = await LogFolder.make(clock);
    return new ReceiptsUnderTest(folder, await folder.open(), clock);
  }

  /** What the old one had in memory is lost. */
  async crash(): Promise<void> {
    this.log = await this.#folder.open();
    this.receipts = this.#make();
  }

  async append(from: string, count = 1, more: { expiresUnixMs?: number } = {}): Promise<string[]> {
    const ids: string[] = [];
    for (let made = 0; made < count; made++) {
      const id = this.ids();
      ids.push(id);
      await this.log.append(INBOX, { id, bytes: storedMessage({ id, from, to: "bob", ...more }) });
    }
    return ids;
  }

  /** Hands the records after `after` up to `to`. */
  async hand(after: number, to: number): Promise<void> {
    await this.receipts.open(INBOX);
    const from = after === 0 ? START : { epoch: 1, offset: after };
    const { records } = await this.log.read(INBOX, { from, limit: to - after });
    this.receipts.handed(INBOX, records);
  }

  async ack(offset: number): Promise<void> {
    await this.receipts.open(INBOX);
    await this.log.ack(INBOX, "inbox", { epoch: 1, offset });
    this.receipts.read(INBOX, offset);
  }

  async told(agentId: string): Promise<string[]> {
    await this.receipts.flush();
    const receipts = await receiptsIn(this.log, agentId);
    return receipts.map(({ status, message_ids }) => `${status} ${(message_ids ?? []).length}`);
  }

  #make(): Receipts {
    return new Receipts({
      counts: newCounts().deliveries,
      log: this.log,
      clock: this.clock,
      ids: this.ids,
      logger: this.logger,
      bounds: BOUNDS,
      isLiving: (agentId) => !this.removed.has(agentId),
    });
  }
}

describe("receipts", () => {
  it("tell each sender of its own messages, and read instead of delivered when both came at once", async () => {
    const test = await ReceiptsUnderTest.open();
    const fromAnn = await test.append("ann", 2);
    const fromCy = await test.append("cy");
    await test.hand(0, 3);
    await test.ack(2);
    expect(await test.told("ann")).toEqual(["delivered 2"]);
    await test.ack(3);
    expect(await test.told("ann")).toEqual(["delivered 2", "read 2"]);
    expect((await receiptsIn(test.log, "ann")).map((one) => one.message_ids)).toEqual([fromAnn, fromAnn]);
    expect((await receiptsIn(test.log, "cy")).map((one) => one.message_ids)).toEqual([fromCy, fromCy]);

    await test.append("ann");
    await test.hand(3, 4);
    await test.ack(4);
    expect(await test.told("ann")).toEqual(["delivered 2", "read 2", "read 1"]);
  });

  it("tell of the part that is read when the reader stops in the middle", async () => {
    const test = await ReceiptsUnderTest.open();
    await test.append("ann", 5);
    await test.hand(0, 5);
    expect(await test.told("ann")).toEqual(["delivered 5"]);
    await test.ack(2);
    expect(await test.told("ann"), "all of it may be read soon").toEqual(["delivered 5"]);
    expect(await test.told("ann")).toEqual(["delivered 5", "read 2"]);
    await test.append("ann");
    await test.hand(5, 6);
    expect(await test.told("ann")).toEqual(["delivered 5", "read 2", "delivered 1"]);
    await test.ack(6);
    expect(await test.told("ann")).toEqual(["delivered 5", "read 2", "delivered 1", "read 4"]);
  });

  it("do not repeat after a restart what was told before it", async () => {
    const test = await ReceiptsUnderTest.open();
    await test.append("ann", 4);
    await test.hand(0, 3);
    expect(await test.told("ann")).toEqual(["delivered 3"]);
    await test.crash();
    await test.hand(0, 4);
    expect(await test.told("ann")).toEqual(["delivered 3", "delivered 1"]);
    await test.ack(4);
    expect(await test.told("ann")).toEqual(["delivered 3", "delivered 1", "read 4"]);
    await test.crash();
    await test.receipts.open(INBOX);
    expect(await test.told("ann")).toEqual(["delivered 3", "delivered 1", "read 4"]);
  });

  it("take up what a crash left untold: read and acknowledged before the flush", async () => {
    const test = await ReceiptsUnderTest.open();
    await test.append("ann", 3);
    await test.hand(0, 3);
    await test.ack(2);
    await test.crash();
    await test.receipts.open(INBOX);
    expect(await test.told("ann")).toEqual(["read 2"]);
  });

  it("believe a reader that comes back with a cursor or an ack of what a crash made the hub forget", async () => {
    const test = await ReceiptsUnderTest.open();
    await test.append("ann", 4);
    await test.hand(0, 2);
    await test.crash();
    await test.receipts.open(INBOX);
    await test.receipts.seen(INBOX, 2);
    await test.hand(2, 3);
    expect(await test.told("ann")).toEqual(["delivered 3"]);

    await test.crash();
    await test.ack(4);
    await expect.poll(() => test.told("ann")).toEqual(["delivered 3", "read 4"]);
    expect(test.receipts.handedOffset(INBOX)).toBe(4);
  });

  it("never say read of what ended unread, whether its end came before or after the flush", async () => {
    const test = await ReceiptsUnderTest.open();
    const expiresUnixMs = test.clock.nowMs + 1000;
    await test.append("ann", 2, { expiresUnixMs });
    await test.append("ann", 1);
    await test.hand(0, 3);
    test.clock.nowMs += 1000;
    const { records } = await test.log.read(INBOX, { from: START, limit: 2 });
    test.receipts.endedUnread(INBOX, records);
    await test.log.ack(INBOX, "inbox", { epoch: 1, offset: 2 });
    test.receipts.skipped(INBOX, 2);
    expect(await test.told("ann")).toEqual(["delivered 1"]);
    await test.ack(3);
    expect(await test.told("ann")).toEqual(["delivered 1", "read 1"]);
    await test.crash();
    await test.receipts.open(INBOX);
    expect(await test.told("ann")).toEqual(["delivered 1", "read 1"]);
  });

  it("note once what two openings at the same time take up", async () => {
    const test = await ReceiptsUnderTest.open();
    await test.append("ann", 2);
    await test.hand(0, 2);
    await test.ack(2);
    await test.crash();
    await Promise.all([test.receipts.open(INBOX), test.receipts.open(INBOX)]);
    expect(await test.told("ann")).toEqual(["read 2"]);
  });

  it("are dropped when they would fill more than half of an inbox", async () => {
    const test = await ReceiptsUnderTest.open();
    const small = new Receipts({
      counts: newCounts().deliveries,
      log: test.log,
      clock: test.clock,
      ids: test.ids,
      logger: test.logger,
      bounds: { ...BOUNDS, inboxMaxMessages: 4 },
      isLiving: () => true,
    });
    for (let count = 0; count < 5; count++) {
      await small.ended("ann", { state: "failed", messageId: test.ids(), to: "bob", note: "" });
    }
    expect(await receiptsIn(test.log, "ann")).toHaveLength(2);
  });

  it("do not go to agents that were removed: nobody reads their inboxes", async () => {
    const test = await ReceiptsUnderTest.open();
    await test.append("ann", 1);
    await test.append("cid", 1);
    test.removed.add("ann");
    await test.hand(0, 2);
    expect(await test.told("cid")).toEqual(["delivered 1"]);
    expect(await test.told("ann")).toEqual([]);
  });

  it("come with the next flush when the log failed in between", async () => {
    const test = await ReceiptsUnderTest.open();
    await test.append("ann", 1);
    await test.hand(0, 1);
    const { ack } = test.log;
    test.log.ack = () => Promise.reject(new Error("no log"));
    await test.receipts.flush();
    expect(test.logger.events).toContain("receipts.not_sent");
    test.log.ack = ack;
    await test.receipts.flush();
    expect((await test.log.acked(INBOX, "delivered")).offset).toBe(1);
    expect(await test.told("ann")).toEqual(["delivered 1"]);
  });
});
