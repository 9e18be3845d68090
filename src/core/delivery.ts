import type { DeliveryCounts } from "../model/counts.ts";
import { peekEnvelope } from "../model/envelope-codec.ts";
import { createLru } from "../model/lru.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogRecord, MessageLog, StreamName } from "../ports/message-log.ts";
import type { OutcomeRecord, OutcomeStore } from "../ports/outcome-store.ts";
import { decodePointer, isPointer, type Pointer } from "./pointer.ts";
import type { PumpResolver } from "./pump.ts";
import { ownerOfInbox } from "./streams.ts";

/** Bytes kept of what pointers point to, so that a message to many members is read once. */
const CACHED_BYTES = 16_777_216;

export interface DeliveryDeps {
  readonly log: MessageLog;
  readonly clock: Clock;
  readonly outcomes: OutcomeStore;
  readonly counts: DeliveryCounts;
  /** Called for records found expired and unread, after their end is stored; `told`: the ends that senders hear of. */
  readonly onExpired: (
    stream: StreamName,
    expired: readonly LogRecord[],
    told: readonly OutcomeRecord[],
  ) => void;
}

/**
 * Turns records of inboxes into what their readers get: follows pointers and leaves out what has expired; a
 * message that is left out is `expired` for good.
 */
export class Delivery {
  readonly #deps: DeliveryDeps;
  #pointedTo = emptyCache();

  constructor(deps: DeliveryDeps) {
    this.#deps = deps;
  }

  resolver(stream: StreamName): PumpResolver {
    return {
      now: (records) => this.resolveNow(records),
      later: (records) => this.resolveLater(stream, records),
    };
  }

  /** What pointers that are about to be written point to. */
  remember(stream: StreamName, { epoch, offset, bytes }: LogRecord): void {
    this.#pointedTo.set(cacheKey({ stream, epoch, offset }), bytes);
  }

  /** Lets go of all that pointers point to and that is kept in memory. */
  forgetCopies(): void {
    this.#pointedTo = emptyCache();
  }

  /** Those of the records of an inbox that are not to be delivered any more, channels' messages included. */
  async overdue(records: readonly LogRecord[]): Promise<readonly LogRecord[]> {
    const followed = await Promise.all(records.map((record) => this.#follow(record)));
    const nowUnixMs = this.#deps.clock.nowUnixMs();
    return records.filter((_, index) => {
      const bytes = followed[index]?.bytes;
      return bytes === undefined || hasExpired(bytes, nowUnixMs);
    });
  }

  /** Stores the end of messages that expired before they were read. */
  async expire(stream: StreamName, expired: readonly LogRecord[]): Promise<void> {
    const receiver = ownerOfInbox(stream) ?? stream;
    const atUnixMs = this.#deps.clock.nowUnixMs();
    const ends: OutcomeRecord[] = [];
    const silent = new Set<string>();
    for (const { bytes } of expired) {
      if (isPointer(bytes)) continue;
      const { id, from, kind, toChannel, noReceipts } = peekEnvelope(bytes);
      if (toChannel || (kind !== "MESSAGE" && kind !== "TASK")) continue;
      if (noReceipts) silent.add(id);
      ends.push({
        messageId: id,
        senderId: from,
        receiver,
        state: "expired",
        note: "not read in time",
        atUnixMs,
      });
    }
    const added = ends.length > 0 ? await this.#deps.outcomes.add(ends) : [];
    this.#deps.counts.expired += added.length;
    const told = added.filter(({ messageId }) => !silent.has(messageId));
    this.#deps.onExpired(stream, expired, told);
  }

  /** As PumpResolver.now. */
  resolveNow(records: readonly LogRecord[]): readonly LogRecord[] | undefined {
    const nowUnixMs = this.#deps.clock.nowUnixMs();
    let resolved: LogRecord[] | undefined;
    for (const [index, record] of records.entries()) {
      let bytes: Uint8Array | undefined = record.bytes;
      if (isPointer(bytes)) {
        bytes = this.#pointedTo.get(cacheKey(decodePointer(bytes)));
        resolved ??= records.slice(0, index);
      }
      if (bytes === undefined || hasExpired(bytes, nowUnixMs)) return undefined;
      resolved?.push({ epoch: record.epoch, offset: record.offset, bytes });
    }
    return resolved ?? records;
  }

  /** As PumpResolver.later, for an inbox. */
  async resolveLater(stream: StreamName, records: readonly LogRecord[]): Promise<readonly LogRecord[]> {
    const followed = await Promise.all(records.map((record) => this.#follow(record)));
    const present = followed.filter((record) => record !== undefined);
    const nowUnixMs = this.#deps.clock.nowUnixMs();
    const expired = present.filter((record) => hasExpired(record.bytes, nowUnixMs));
    if (expired.length === 0) return present;
    const committed = await this.#deps.log.acked(stream, "inbox");
    // What was read before it expired stays read.
    const unread = expired.filter((record) => record.offset > committed.offset);
    await this.expire(stream, unread);
    return present.filter((record) => !hasExpired(record.bytes, nowUnixMs));
  }

  /** Undefined when what a pointer points to is not kept any more. */
  async #follow(record: LogRecord): Promise<LogRecord | undefined> {
    if (!isPointer(record.bytes)) return record;
    const pointer = decodePointer(record.bytes);
    const bytes = this.#pointedTo.get(cacheKey(pointer)) ?? (await this.#readPointedTo(pointer));
    return bytes === undefined ? undefined : { epoch: record.epoch, offset: record.offset, bytes };
  }

  async #readPointedTo(pointer: Pointer): Promise<Uint8Array | undefined> {
    const from = { epoch: pointer.epoch, offset: pointer.offset - 1 };
    const page = await this.#deps.log.read(pointer.stream, { from, limit: 1 });
    const bytes = page.records[0]?.bytes;
    if (bytes !== undefined) this.#pointedTo.set(cacheKey(pointer), bytes);
    return bytes;
  }
}

function emptyCache() {
  return createLru<Uint8Array>({
    maxWeight: CACHED_BYTES,
    weigh: (bytes) => bytes.length + 100,
  });
}

function cacheKey(pointer: Pointer): string {
  return `${pointer.stream}/${pointer.epoch}/${pointer.offset}`;
}

/** Whether the message is not to be delivered any more. */
export function hasExpired(bytes: Uint8Array, nowUnixMs: number): boolean {
  const { expiresUnixMs } = peekEnvelope(bytes);
  return expiresUnixMs !== 0 && expiresUnixMs <= nowUnixMs;
}
