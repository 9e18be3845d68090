import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { factFromRecord, type SenderGroup } from "../../../src/core/receipt-groups.ts";
import { type ReceiptBatch, ReceiptLedger } from "../../../src/core/receipt-ledger.ts";
import type { LogRecord } from "../../../src/ports/message-log.ts";
import { storedMessage } from "../../support/core-fixture.ts";

type Step =
  | { readonly do: "hand"; readonly count: number }
  | { readonly do: "read"; readonly share: number }
  | { readonly do: "expire"; readonly share: number }
  | { readonly do: "skip" }
  | { readonly do: "flush" };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 4,
    arbitrary: fc.record({ do: fc.constant("hand" as const), count: fc.integer({ min: 1, max: 40 }) }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constant("read" as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({
      do: fc.constant("expire" as const),
      share: fc.double({ min: 0, max: 1, noNaN: true }),
    }),
  },
  { weight: 1, arbitrary: fc.constant({ do: "skip" as const }) },
  { weight: 4, arbitrary: fc.constant({ do: "flush" as const }) },
);

/** One inbox as its senders must see it, message by message. */
class Inbox {
  readonly records: LogRecord[];
  readonly senders: string[];
  readonly delivered = new Set<string>();
  readonly read = new Set<string>();
  readonly expired = new Set<number>();
  readonly readUnexpired = new Set<number>();
  handed = 0;
  acked = 0;
  ledger = new ReceiptLedger(1, { receipted: 0, handed: 0, read: 0 }, []);

  constructor(senders: string[]) {
    this.senders = senders;
    this.records = senders.map((from, index) => ({
      epoch: 1,
      offset: index + 1,
      bytes: storedMessage({ id: idAt(index + 1), from, to: "me" }),
    }));
  }

  run(one: Step): void {
    if (one.do === "hand") this.#hand(one.count);
    else if (one.do === "read") this.#readTo(this.acked + Math.round(one.share * (this.handed - this.acked)));
    else if (one.do === "expire") this.#expire(one.share);
    else if (one.do === "skip") this.#skip();
    else this.flush();
  }

  flush(): void {
    const due = this.ledger.takeDue();
    for (const batch of due.batches) this.#tell(batch);
    if (due.stalled !== undefined) {
      const { afterOffset, toOffset } = due.stalled;
      const facts = this.records
        .slice(afterOffset, toOffset)
        .map(factFromRecord)
        .filter((fact) => fact !== undefined);
      this.#tell(this.ledger.split(due.stalled, facts));
    }
    expect(due.toldOffset).toBe(this.handed);
    expect(this.ledger.receiptedOffset).toBeLessThanOrEqual(this.handed);
  }

  #hand(count: number): void {
    const upTo = Math.min(this.records.length, this.handed + count);
    // A reader that mirrors another one gets old records again.
    this.ledger.handed(this.records.slice(Math.max(0, this.handed - 3), upTo));
    this.handed = upTo;
  }

  #readTo(offset: number): void {
    for (let at = this.acked + 1; at <= offset; at++) if (!this.expired.has(at)) this.readUnexpired.add(at);
    this.acked = Math.max(this.acked, offset);
    this.ledger.readTo(offset);
  }

  #expire(share: number): void {
    const at = this.acked + 1 + Math.floor(share * (this.handed - this.acked - 1));
    const record = this.records[at - 1];
    if (record === undefined || at <= this.acked || at > this.handed) return;
    this.expired.add(at);
    this.ledger.endedUnread([record].map(factFromRecord).filter((fact) => fact !== undefined));
  }

  #skip(): void {
    let to = this.acked;
    while (this.expired.has(to + 1)) to += 1;
    this.acked = to;
    this.ledger.readTo(to);
  }

  #tell(batch: ReceiptBatch): void {
    for (const [sender, group] of batch.senders) {
      const covered = this.covered(sender, group);
      // A range leaves out what ended otherwise.
      const told = covered.filter((offset) => batch.state === "delivered" || !this.expired.has(offset));
      if (batch.state === "read") expect(told.length).toBe(group.count);
      for (const offset of told) this.#tellOne(batch.state, idAt(offset), offset);
    }
  }

  #tellOne(state: "delivered" | "read", id: string, offset: number): void {
    if (state === "delivered") {
      expect(this.delivered.has(id), `delivered twice: ${id}`).toBe(false);
      expect(this.read.has(id), `delivered after read: ${id}`).toBe(false);
      expect(offset).toBeLessThanOrEqual(this.handed);
      this.delivered.add(id);
    } else {
      expect(this.read.has(id), `read twice: ${id}`).toBe(false);
      expect(offset, "read means acknowledged").toBeLessThanOrEqual(this.acked);
      this.read.add(id);
    }
  }

  covered(sender: string, group: SenderGroup): number[] {
    const ids = new Set(group.ids);
    return this.records
      .map(({ offset }) => offset)
      .filter((offset) => this.senders[offset - 1] === sender)
      .filter((offset) =>
        group.ids.length === group.count
          ? ids.has(idAt(offset))
          : idAt(offset) >= group.firstId && idAt(offset) <= group.lastId,
      );
  }
}

function idAt(offset: number): string {
  return `01920000-0000-7000-8000-${offset.toString(16).padStart(12, "0")}`;
}

describe("the receipt ledger", () => {
  it("tells of each message once as delivered, and as read exactly when it was acknowledged unexpired", () => {
    const senders = fc.array(fc.constantFrom("ann", "bob", "cy"), { minLength: 1, maxLength: 120 });
    fc.assert(
      fc.property(senders, fc.array(step, { maxLength: 60 }), (from, steps) => {
        const inbox = new Inbox(from);
        for (const one of steps) inbox.run(one);
        // The reader stops; what is owed comes with the next flushes.
        inbox.flush();
        inbox.flush();
        inbox.flush();
        expect([...inbox.read].sort()).toEqual([...inbox.readUnexpired].map(idAt).sort());
        if (inbox.acked === inbox.handed) expect(inbox.ledger.receiptedOffset).toBe(inbox.handed);
      }),
      { numRuns: 400 },
    );
  });

  it("tells nothing twice after a restart from its marks", () => {
    const senders = fc.array(fc.constantFrom("ann", "bob"), { minLength: 1, maxLength: 80 });
    fc.assert(
      fc.property(senders, fc.array(fc.array(step, { maxLength: 15 }), { maxLength: 5 }), (from, runs) => {
        const inbox = new Inbox(from);
        for (const steps of runs) {
          for (const one of steps) if (one.do !== "expire") inbox.run(one);
          inbox.flush();
          const { receiptedOffset: receipted } = inbox.ledger;
          const owed = inbox.records.slice(receipted, inbox.handed).map(factFromRecord);
          const marks = { receipted, handed: inbox.handed, read: inbox.acked };
          inbox.ledger = new ReceiptLedger(
            1,
            marks,
            owed.filter((fact) => fact !== undefined),
          );
        }
        inbox.flush();
        expect([...inbox.read].sort()).toEqual([...inbox.readUnexpired].map(idAt).sort());
      }),
      { numRuns: 200 },
    );
  });

  it("tells of many messages as a range and keeps few batches", () => {
    const inbox = new Inbox(Array.from({ length: 5000 }, () => "ann"));
    for (let batch = 0; batch < 200; batch++) {
      inbox.run({ do: "hand", count: 25 });
      inbox.flush();
    }
    expect(inbox.delivered.size).toBe(5000);
    inbox.run({ do: "read", share: 1 });
    const { batches } = inbox.ledger.takeDue();
    expect(batches).toHaveLength(1);
    expect(batches[0]?.senders.get("ann")).toEqual({
      firstId: idAt(1),
      lastId: idAt(5000),
      count: 5000,
      ids: [],
    });
    expect(inbox.ledger.isSettled).toBe(true);
  });

  it("raises no receipts for receipts, channels' messages and those who want none", () => {
    const ledger = new ReceiptLedger(1, { receipted: 0, handed: 0, read: 0 }, []);
    const bytes = [
      storedMessage({ id: idAt(1), from: "hub", to: "ann", kind: "RECEIPT" }),
      storedMessage({ id: idAt(2), from: "bob", to: "#team" }),
      storedMessage({ id: idAt(3), from: "bob", to: "ann", noReceipts: true }),
    ];
    ledger.handed(bytes.map((one, index) => ({ epoch: 1, offset: index + 1, bytes: one })));
    ledger.readTo(3);
    expect(ledger.takeDue().batches).toEqual([]);
    expect(ledger.receiptedOffset).toBe(3);
  });
});
