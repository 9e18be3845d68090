import type { LogRecord } from "../ports/message-log.ts";
import {
  cloneGroups,
  factFromRecord,
  mergeInto,
  note,
  type ReceiptFact,
  type SenderGroup,
  takeOut,
} from "./receipt-groups.ts";

/** Batches that wait to be read; beyond, neighbours are merged. */
const MAX_WAITING = 64;
/** A batch that spans more is split only when half of it is read, so that no record is read again and again. */
const WIDE_SPAN = 2000;

/** Messages that reached a state together. */
export interface ReceiptBatch {
  readonly state: "delivered" | "read";
  readonly senders: ReadonlyMap<string, SenderGroup>;
}

interface Batch {
  readonly senders: Map<string, SenderGroup>;
  readonly afterOffset: number;
  toOffset: number;
}

/** The oldest waiting batch is read in part, and its reader has stopped there. */
export interface StalledBatch {
  readonly afterOffset: number;
  readonly readOffset: number;
  readonly toOffset: number;
}

/** What is to be told now. */
export interface DueReceipts {
  readonly batches: ReceiptBatch[];
  /** Up to here senders know of the delivery, once the batches are sent. */
  readonly toldOffset: number;
  /** A part of a batch is read, and may be all of it soon. */
  readonly comeAgain: boolean;
  readonly stalled: StalledBatch | undefined;
}

/**
 * What is handed and read of one inbox since receipts were last sent. No message is looked at twice, unless its
 * reader stops in the middle of a batch; memory is bounded by senders, not by messages.
 */
export class ReceiptLedger {
  readonly epoch: number;
  #handedOffset: number;
  #readOffset: number;
  #receiptedOffset: number;
  /** Most inboxes are at rest: what they do not need at rest is made when it is needed. */
  #open: Batch | undefined;
  #waiting: Batch[] = [];
  #readAtLastTake = -1;
  /** Handed, and ended unread while they waited: no position tells of them any more. */
  #ended: Set<number> | undefined;

  /**
   * `owed` are those after `receipted` up to `handed`, which an earlier run of the hub handed over and told of.
   */
  constructor(
    epoch: number,
    marks: { readonly receipted: number; readonly handed: number; readonly read: number },
    owed: readonly ReceiptFact[],
  ) {
    this.epoch = epoch;
    this.#handedOffset = marks.handed;
    this.#readOffset = marks.read;
    this.#receiptedOffset = marks.receipted;
    if (owed.length === 0) return;
    const between = Math.min(Math.max(marks.read, marks.receipted), marks.handed);
    const read: Batch = { senders: new Map(), afterOffset: marks.receipted, toOffset: between };
    const unread: Batch = { senders: new Map(), afterOffset: between, toOffset: marks.handed };
    for (const fact of owed) note((fact.offset <= between ? read : unread).senders, fact);
    this.#waiting = [read, unread].filter(isOccupied);
  }

  /** The last offset that was handed to any reader. */
  get handedOffset(): number {
    return this.#handedOffset;
  }

  /** The last offset that its reader acknowledged. */
  get readOffset(): number {
    return this.#readOffset;
  }

  /** Everything up to here has got its last receipt. */
  get receiptedOffset(): number {
    return this.#receiptedOffset;
  }

  /** Nothing waits to be told. */
  get isSettled(): boolean {
    return (this.#open === undefined || !isOccupied(this.#open)) && this.#waiting.length === 0;
  }

  /** Records that were handed over; those that were handed before are passed over. */
  handed(records: readonly LogRecord[]): void {
    const last = records.at(-1);
    if (last === undefined || last.epoch !== this.epoch || last.offset <= this.#handedOffset) return;
    for (const record of records) {
      const fact = record.offset > this.#handedOffset ? factFromRecord(record) : undefined;
      if (fact !== undefined) note(this.#opened().senders, fact);
    }
    this.#moveHanded(last.offset);
  }

  /** The same for what was looked up: all up to `toOffset` are handed, and `facts` are those to tell of. */
  handedUpTo(toOffset: number, facts: readonly ReceiptFact[]): void {
    if (toOffset <= this.#handedOffset) return;
    for (const fact of facts) if (fact.offset > this.#handedOffset) note(this.#opened().senders, fact);
    this.#moveHanded(toOffset);
  }

  /** Answers how many records are read that were not. */
  readTo(offset: number): number {
    if (offset <= this.#readOffset) return 0;
    const read = offset - this.#readOffset;
    this.#readOffset = offset;
    return read;
  }

  /** These ended unread: their senders hear that from elsewhere, and never of `read`. */
  endedUnread(facts: readonly ReceiptFact[]): void {
    for (const { offset, id, from } of facts) {
      if (offset <= this.#readOffset || offset > this.#handedOffset || this.#ended?.has(offset)) continue;
      this.#ended ??= new Set();
      this.#ended.add(offset);
      const senders = this.#batchOf(offset)?.senders;
      const group = senders?.get(from);
      if (group === undefined) continue;
      if (group.count === 1) senders?.delete(from);
      else takeOut(group, id);
    }
  }

  takeDue(): DueReceipts {
    const batches: ReceiptBatch[] = [];
    const open = this.#open;
    this.#open = undefined;
    if (open !== undefined && isOccupied(open)) {
      if (open.toOffset > this.#readOffset)
        batches.push({ state: "delivered", senders: cloneGroups(open.senders) });
      this.#waiting.push(open);
    }
    const read = this.#takeRead();
    if (read.size > 0) batches.push({ state: "read", senders: read });
    this.#waiting = this.#waiting.filter(isOccupied);
    this.#mergeWaiting();
    this.#settle();
    const hasMoved = this.#readAtLastTake !== this.#readOffset;
    this.#readAtLastTake = this.#readOffset;
    const partial = this.#partlyRead();
    return {
      batches,
      toldOffset: this.#handedOffset,
      comeAgain: hasMoved && partial !== undefined,
      stalled: hasMoved ? undefined : partial,
    };
  }

  /** Splits a stalled batch by what is in it: gives the part that is read, keeps the rest waiting. */
  split(stalled: StalledBatch, facts: readonly ReceiptFact[]): ReceiptBatch {
    const read = new Map<string, SenderGroup>();
    const rest: Batch = { senders: new Map(), afterOffset: stalled.readOffset, toOffset: stalled.toOffset };
    for (const fact of facts) {
      if (this.#ended?.has(fact.offset)) continue;
      note(fact.offset <= stalled.readOffset ? read : rest.senders, fact);
    }
    this.#waiting[0] = rest;
    this.#waiting = this.#waiting.filter(isOccupied);
    this.#settle();
    return { state: "read", senders: read };
  }

  /** To be asked before the offset moves: what is noted from now on lies behind it. */
  #opened(): Batch {
    this.#open ??= { senders: new Map(), afterOffset: this.#handedOffset, toOffset: this.#handedOffset };
    return this.#open;
  }

  #moveHanded(offset: number): void {
    this.#handedOffset = offset;
    if (this.#open !== undefined) this.#open.toOffset = offset;
  }

  #batchOf(offset: number): Batch | undefined {
    if (this.#open !== undefined && offset > this.#open.afterOffset) return this.#open;
    return this.#waiting.find((batch) => offset > batch.afterOffset && offset <= batch.toOffset);
  }

  #partlyRead(): StalledBatch | undefined {
    const oldest = this.#waiting[0];
    if (oldest === undefined || this.#readOffset <= oldest.afterOffset) return undefined;
    const { afterOffset, toOffset } = oldest;
    const span = toOffset - afterOffset;
    if (span > WIDE_SPAN && (this.#readOffset - afterOffset) * 2 < span) return undefined;
    return { afterOffset, readOffset: this.#readOffset, toOffset };
  }

  #takeRead(): Map<string, SenderGroup> {
    const read = new Map<string, SenderGroup>();
    for (let oldest = this.#waiting[0]; oldest !== undefined; oldest = this.#waiting[0]) {
      if (oldest.toOffset > this.#readOffset) break;
      for (const [sender, group] of oldest.senders) mergeInto(read, sender, group);
      this.#waiting.shift();
    }
    return read;
  }

  /** The two neighbours that span least become one, so that no batch grows much wider than the others. */
  #mergeWaiting(): void {
    while (this.#waiting.length > MAX_WAITING) {
      let best = 0;
      let bestSpan = Number.POSITIVE_INFINITY;
      for (let index = 0; index + 1 < this.#waiting.length; index++) {
        const span = (this.#waiting[index + 1]?.toOffset ?? 0) - (this.#waiting[index]?.afterOffset ?? 0);
        if (span >= bestSpan) continue;
        best = index;
        bestSpan = span;
      }
      const [into, from] = this.#waiting.slice(best, best + 2);
      if (into === undefined || from === undefined) return;
      for (const [sender, group] of from.senders) mergeInto(into.senders, sender, group);
      into.toOffset = from.toOffset;
      this.#waiting.splice(best + 1, 1);
    }
  }

  /** Called while nothing is open: what does not wait has got its last receipt. */
  #settle(): void {
    const settled = this.#waiting[0]?.afterOffset ?? this.#open?.afterOffset ?? this.#handedOffset;
    this.#receiptedOffset = Math.max(this.#receiptedOffset, settled);
    for (const offset of this.#ended ?? []) if (offset <= this.#receiptedOffset) this.#ended?.delete(offset);
    if (this.#ended?.size === 0) this.#ended = undefined;
  }
}

function isOccupied(batch: Batch): boolean {
  return batch.senders.size > 0;
}
