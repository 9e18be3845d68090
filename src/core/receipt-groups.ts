import { peekEnvelope } from "../model/envelope-codec.ts";
import type { LogRecord } from "../ports/message-log.ts";
import { isPointer } from "./pointer.ts";

/** Ids are listed up to here; more are told as a range. */
const LISTED_IDS = 20;

/** A record whose sender asks for receipts. */
export interface ReceiptFact {
  readonly offset: number;
  readonly id: string;
  readonly from: string;
  /** 0 = never. */
  readonly expiresUnixMs: number;
}

/** Messages of one sender, in the order in which they were accepted. */
export interface SenderGroup {
  /** `firstId` and `lastId` may enclose messages that ended otherwise; `count` leaves those out. */
  firstId: string;
  lastId: string;
  count: number;
  /** All of them while they are few, else empty. */
  ids: string[];
}

/** Only messages and tasks of agents ask for receipts; a channel's message is read by many. */
export function factFromRecord({ offset, bytes }: LogRecord): ReceiptFact | undefined {
  if (isPointer(bytes)) return undefined;
  const facts = peekEnvelope(bytes);
  const { kind, noReceipts, toChannel, expiresUnixMs } = facts;
  if (noReceipts || toChannel || (kind !== "MESSAGE" && kind !== "TASK")) return undefined;
  return { offset, id: facts.id, from: facts.from, expiresUnixMs };
}

/** Adds the message to its sender's group. */
export function note(senders: Map<string, SenderGroup>, { id, from }: ReceiptFact): void {
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

/** One of several messages leaves the group. */
export function takeOut(group: SenderGroup, id: string): void {
  const isListed = group.ids.length === group.count;
  group.count -= 1;
  if (!isListed) return;
  group.ids = group.ids.filter((listed) => listed !== id);
  group.firstId = group.ids[0] ?? group.firstId;
  group.lastId = group.ids.at(-1) ?? group.lastId;
}

/** Adds later messages of a sender to what it has. */
export function mergeInto(senders: Map<string, SenderGroup>, sender: string, added: SenderGroup): void {
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

/** A copy that goes its own way. */
export function cloneGroups(senders: ReadonlyMap<string, SenderGroup>): Map<string, SenderGroup> {
  return new Map([...senders].map(([sender, group]) => [sender, { ...group, ids: [...group.ids] }]));
}
