import { peekEnvelope } from "../model/envelope-codec.ts";
import type { LogRecord } from "../ports/message-log.ts";
import { isPointer } from "./pointer.ts";

/** Ids are listed up to here; more are told as a range. */
const LISTED_IDS = 20;
/** Batches that wait to be read; beyond, neighbours are merged. */
const MAX_WAITING = 64;

/** Messages of one sender, in the order in which they were accepted. */
export interface SenderGroup {
  firstId: string;
  lastId: string;
  count: number;
  /** All of them while they are few, else empty. */
  ids: string[];
}

/** Messages up to `toOffset` that reached a state together. */
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

/**
 * What is handed and read of one inbox since receipts were last sent. No message is looked at twice; memory is
 * bounded by senders, not by messages.
 */
export class ReceiptLedger {
  readonly epoch: number;
  #handedOffset: number;
  #readOffset: number;
  #receiptedOffset: number;
  #open: Batch;
  #waiting: Batch[] = [];
  #readAtLastTake = -1;

  constructor(
    epoch: number,
    marks: { readonly receipted: number; readonly handed: number; readonly read: number },
  ) {
    this.epoch = epoch;
    this.#handedOffset = marks.handed;
    this.#readOffset = marks.read;
    this.#receiptedOffset = marks.receipted;
    this.#open = { senders: new Map(), afterOffset: marks.receipted, toOffset: marks.handed };
  }

  get handedOffset(): number {
    return this.#handedOffset;
  }

  /** Everything up to here has got its last receipt. */
  get receiptedOffset(): number {
    return this.#receiptedOffset;
  }

  get isSettled(): boolean {
    return this.#open.senders.size === 0 && this.#waiting.length === 0;
  }

  /** Records that were handed over; those that were handed before are passed over. */
  handed(records: readonly LogRecord[]): void {
    const last = records.at(-1);
    if (last === undefined || last.epoch !== this.epoch || last.offset <= this.#handedOffset) return;
    for (const record of records) {
      if (record.offset > this.#handedOffset) note(this.#open.senders, record);
    }
    this.#handedOffset = last.offset;
    this.#open.toOffset = last.offset;
  }

  /** Records that an earlier run of the hub handed over. */
  handedBefore(records: readonly LogRecord[]): void {
    for (const record of records) note(this.#open.senders, record);
  }

  /** False when nothing new is read. */
  readTo(offset: number): boolean {
    if (offset <= this.#readOffset) return false;
    this.#readOffset = offset;
    return true;
  }

  /** Up to here nothing will be read any more. */
  skipTo(offset: number): void {
    this.#readOffset = Math.max(this.#readOffset, offset);
    this.#waiting = this.#waiting.filter((batch) => batch.toOffset > offset);
  }

  /** What is to be told now. `comeAgain`: a part of a batch is read, and may be all of it soon. */
  takeDue(): { batches: ReceiptBatch[]; comeAgain: boolean; stalled: StalledBatch | undefined } {
    const batches: ReceiptBatch[] = [];
    const open = this.#open;
    this.#open = { senders: new Map(), afterOffset: this.#handedOffset, toOffset: this.#handedOffset };
    if (open.senders.size > 0) {
      if (open.toOffset > this.#readOffset)
        batches.push({ state: "delivered", senders: cloneGroups(open.senders) });
      this.#waiting.push(open);
    }
    const read = this.#takeRead();
    if (read.size > 0) batches.push({ state: "read", senders: read });
    this.#mergeWaiting();
    this.#receiptedOffset = this.#settledOffset();
    const hasMoved = this.#readAtLastTake !== this.#readOffset;
    this.#readAtLastTake = this.#readOffset;
    const partial = this.#partlyRead();
    return { batches, comeAgain: hasMoved && partial !== undefined, stalled: hasMoved ? undefined : partial };
  }

  /** Splits a stalled batch by its records: gives what is read of it, keeps the rest waiting. */
  split(stalled: StalledBatch, records: readonly LogRecord[]): ReceiptBatch {
    const read = new Map<string, SenderGroup>();
    const rest: Batch = { senders: new Map(), afterOffset: stalled.readOffset, toOffset: stalled.toOffset };
    for (const record of records) note(record.offset <= stalled.readOffset ? read : rest.senders, record);
    this.#waiting[0] = rest;
    this.#receiptedOffset = Math.max(this.#receiptedOffset, stalled.readOffset);
    return { state: "read", senders: read };
  }

  #partlyRead(): StalledBatch | undefined {
    const oldest = this.#waiting[0];
    if (oldest === undefined || this.#readOffset <= oldest.afterOffset) return undefined;
    return { afterOffset: oldest.afterOffset, readOffset: this.#readOffset, toOffset: oldest.toOffset };
  }

  #takeRead(): Map<string, SenderGroup> {
    const read = new Map<string, SenderGroup>();
    while (this.#waiting[0] !== undefined && this.#waiting[0].toOffset <= this.#readOffset) {
      for (const [sender, group] of this.#waiting[0].senders) mergeInto(read, sender, group);
      this.#waiting.shift();
    }
    return read;
  }

  #mergeWaiting(): void {
    while (this.#waiting.length > MAX_WAITING) {
      const [oldest, next] = this.#waiting;
      if (oldest === undefined || next === undefined) return;
      for (const [sender, group] of next.senders) mergeInto(oldest.senders, sender, group);
      oldest.toOffset = next.toOffset;
      this.#waiting.splice(1, 1);
    }
  }

  /** Receipts of batches that wait are owed again after a restart; a `delivered` may then come twice. */
  #settledOffset(): number {
    if (this.#waiting.length === 0) return Math.max(this.#receiptedOffset, this.#handedOffset);
    return this.#receiptedOffset;
  }
}

/** Only messages and tasks of agents ask for receipts; a channel's message is read by many. */
function note(senders: Map<string, SenderGroup>, record: LogRecord): void {
  if (isPointer(record.bytes)) return;
  const { id, from, kind, noReceipts, toChannel } = peekEnvelope(record.bytes);
  if (noReceipts || toChannel || (kind !== "MESSAGE" && kind !== "TASK")) return;
  const group = senders.get(from);
  if (group === undefined) {
    senders.set(from, { firstId: id, lastId: id, count: 1, ids: [id] });
    return;
  }
  if (group.ids.length < group.count || group.count >= LISTED_IDS) group.ids = [];
  else group.ids.push(id);
  group.lastId = id;
  group.count += 1;
}

function mergeInto(senders: Map<string, SenderGroup>, sender: string, added: SenderGroup): void {
  const group = senders.get(sender);
  if (group === undefined) {
    senders.set(sender, { ...added, ids: [...added.ids] });
    return;
  }
  const isListed = group.ids.length === group.count && added.ids.length === added.count;
  group.ids = isListed && group.count + added.count <= LISTED_IDS ? group.ids.concat(added.ids) : [];
  group.lastId = added.lastId;
  group.count += added.count;
}

function cloneGroups(senders: ReadonlyMap<string, SenderGroup>): Map<string, SenderGroup> {
  return new Map([...senders].map(([sender, group]) => [sender, { ...group, ids: [...group.ids] }]));
}
