import type { DeliveryCounts } from "../model/counts.ts";
import { EMPTY_HEADER } from "../model/envelope.ts";
import { encodeEnvelope } from "../model/envelope-codec.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { LogRecord, MessageLog, StreamName } from "../ports/message-log.ts";
import type { CoreBounds } from "./bounds.ts";
import type { MessageState } from "./messages.ts";
import { factFromRecord, type ReceiptFact } from "./receipt-groups.ts";
import { type ReceiptBatch, ReceiptLedger, type StalledBatch } from "./receipt-ledger.ts";
import { inboxStream, ownerOfInbox } from "./streams.ts";

const FLUSH_MS = 200;
const IDLE_LEDGERS = 50_000;
const CATCH_UP_PAGE = 500;
/** What is looked up for receipts is looked up for the newest so many: older ones are not worth more. */
const MAX_TAKEN_UP = 10_000;
/** Receipts may fill half an inbox: the rest is for messages. */
const SHARE_OF_INBOX = 0.5;

export interface ReceiptsDeps {
  readonly log: MessageLog;
  readonly clock: Clock;
  readonly ids: () => string;
  readonly logger: Logger;
  readonly bounds: CoreBounds;
  readonly counts: DeliveryCounts;
  /** Whether there is a living agent of this id. */
  readonly isLiving: (agentId: string) => boolean | Promise<boolean>;
}

/** Told how far an inbox is handed and read now. */
export type InboxMoved = (handedOffset: number, readOffset: number) => void;

/**
 * Tells senders what became of their messages, as RECEIPT envelopes in their inboxes. What is delivered and read is
 * derived from positions: one receipt covers all messages of one sender to one inbox within 200 ms, and a `read`
 * that follows so soon replaces the `delivered`. Receipts are a courtesy: the ladder can always be asked.
 */
export class Receipts {
  readonly #ledgers = new Map<StreamName, ReceiptLedger>();
  readonly #opening = new Map<StreamName, Promise<void>>();
  readonly #busy = new Set<StreamName>();
  readonly #watchers = new Map<StreamName, Set<InboxMoved>>();
  /** Of the flush under way. */
  #flushed: ReadonlySet<StreamName> = new Set();
  readonly #deps: ReceiptsDeps;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(deps: ReceiptsDeps) {
    this.#deps = deps;
  }

  /** To be awaited before the first delivery from an inbox: takes up what an earlier run of the hub left over. */
  async open(stream: StreamName): Promise<void> {
    if (this.#ledgers.has(stream)) return;
    let opening = this.#opening.get(stream);
    if (opening === undefined) {
      opening = this.#load(stream).finally(() => this.#opening.delete(stream));
      this.#opening.set(stream, opening);
    }
    await opening;
  }

  /**
   * The reader shows that it has been handed everything up to here, be it in an earlier run of the hub. To be
   * awaited before it is handed more.
   */
  async seen(stream: StreamName, offset: number): Promise<void> {
    const ledger = this.#ledgers.get(stream);
    if (ledger === undefined || offset <= ledger.handedOffset) return;
    const after = Math.max(ledger.handedOffset, offset - MAX_TAKEN_UP);
    const facts = await this.#readFacts(stream, ledger.epoch, after, offset);
    ledger.handedUpTo(offset, this.#living(facts));
    this.#moved(stream, ledger);
  }

  /** Records were handed to a reader of the inbox. */
  handed(stream: StreamName, records: readonly LogRecord[]): void {
    const ledger = this.#ledgers.get(stream);
    if (ledger !== undefined) {
      ledger.handed(records);
      this.#moved(stream, ledger);
    } else this.#later(stream, () => this.seen(stream, records.at(-1)?.offset ?? 0));
  }

  /** Calls `moved` when more of the inbox is handed or read, until the answer is called. In this process alone. */
  watch(stream: StreamName, moved: InboxMoved): () => void {
    const watchers = this.#watchers.get(stream) ?? new Set();
    watchers.add(moved);
    this.#watchers.set(stream, watchers);
    return () => {
      watchers.delete(moved);
      if (watchers.size === 0 && this.#watchers.get(stream) === watchers) this.#watchers.delete(stream);
    };
  }

  /** The last offset of the inbox that was handed to any reader, as far as this process knows. */
  handedOffset(stream: StreamName): number {
    return this.#ledgers.get(stream)?.handedOffset ?? 0;
  }

  /** The reader acknowledged up to here, and the log knows. */
  read(stream: StreamName, offset: number): void {
    const ledger = this.#ledgers.get(stream);
    if (ledger !== undefined && offset <= ledger.handedOffset) this.#moveAcknowledged(stream, offset);
    else {
      this.#later(stream, async () => {
        await this.seen(stream, offset);
        this.#moveAcknowledged(stream, offset);
      });
    }
  }

  /** These ended before they were read: what is acknowledged later, by whomever, does not make them `read`. */
  endedUnread(stream: StreamName, records: readonly LogRecord[]): void {
    this.#ledgers.get(stream)?.endedUnread(factsFromRecords(records));
  }

  /** The hub itself moved the committed position, over messages that ended unread. */
  skipped(stream: StreamName, offset: number): void {
    this.#moveRead(stream, offset);
  }

  /** One message ended in a state that no position tells. */
  async ended(
    senderId: string,
    end: { state: MessageState; messageId: string; to: string; note: string },
  ): Promise<void> {
    await this.#append(senderId, {
      status: end.state,
      to: end.to,
      message_ids: [end.messageId],
      ...noteOf(end.note),
    });
  }

  flush(): Promise<void> {
    this.#flushing = this.#flushing.then(() => this.#flushOnce());
    return this.#flushing;
  }

  async stop(): Promise<void> {
    clearTimeout(this.#timer);
    await this.flush();
    clearTimeout(this.#timer);
  }

  #moveAcknowledged(stream: StreamName, offset: number): void {
    this.#deps.counts.acknowledged += this.#moveRead(stream, offset);
  }

  /** Answers how many records are read that were not. */
  #moveRead(stream: StreamName, offset: number): number {
    const ledger = this.#ledgers.get(stream);
    const read = ledger?.readTo(offset) ?? 0;
    if (ledger !== undefined && read > 0) this.#moved(stream, ledger);
    return read;
  }

  #moved(stream: StreamName, { handedOffset, readOffset }: ReceiptLedger): void {
    this.#markBusy(stream);
    for (const moved of this.#watchers.get(stream) ?? []) moved(handedOffset, readOffset);
  }

  /** What needs a look into the log first. */
  #later(stream: StreamName, work: () => Promise<void>): void {
    this.open(stream)
      .then(work)
      .catch((error: unknown) => this.#deps.logger.warn("receipts.not_noted", { stream, error }));
  }

  #markBusy(stream: StreamName): void {
    this.#busy.add(stream);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, FLUSH_MS);
  }

  async #flushOnce(): Promise<void> {
    const busy = new Set(this.#busy);
    this.#busy.clear();
    this.#flushed = busy;
    await Promise.all([...busy].map((stream) => this.#flushStream(stream)));
    this.#flushed = new Set();
  }

  async #flushStream(stream: StreamName): Promise<void> {
    const ledger = this.#ledgers.get(stream);
    if (ledger === undefined) return;
    const due = ledger.takeDue();
    try {
      const to = ownerOfInbox(stream) ?? stream;
      for (const batch of due.batches) await this.#emit(to, batch);
      if (due.stalled !== undefined) await this.#emit(to, await this.#split(stream, ledger, due.stalled));
      await Promise.all([
        this.#deps.log.ack(stream, "delivered", { epoch: ledger.epoch, offset: due.toldOffset }),
        this.#deps.log.ack(stream, "receipts", { epoch: ledger.epoch, offset: ledger.receiptedOffset }),
      ]);
      if (due.comeAgain) this.#markBusy(stream);
    } catch (error) {
      // With the next flush that anything causes: a timer of its own would try, and log, five times a second.
      this.#busy.add(stream);
      this.#deps.logger.warn("receipts.not_sent", { stream, error });
    }
  }

  async #emit(to: string, batch: ReceiptBatch): Promise<void> {
    await Promise.all(
      [...batch.senders].map(async ([senderId, group]) => {
        const covered =
          group.ids.length === group.count ? { message_ids: group.ids } : { range: rangeOf(group) };
        await this.#append(senderId, { status: batch.state, to, ...covered });
      }),
    );
  }

  async #append(senderId: string, payload: object): Promise<void> {
    if (!(await this.#hasReader(senderId))) return;
    const nowUnixMs = this.#deps.clock.nowUnixMs();
    const header = {
      ...EMPTY_HEADER,
      id: this.#deps.ids(),
      from: "hub",
      to: senderId,
      kind: "RECEIPT" as const,
      contentType: "application/json",
      createdUnixMs: nowUnixMs,
      expiresUnixMs: nowUnixMs + this.#deps.bounds.unreadMs,
    };
    const bytes = encodeEnvelope(header, Buffer.from(JSON.stringify(payload), "utf8"));
    const bound = {
      records: Math.ceil(this.#deps.bounds.inboxMaxMessages * SHARE_OF_INBOX),
      bytes: Math.ceil(this.#deps.bounds.inboxMaxBytes * SHARE_OF_INBOX),
    };
    try {
      await this.#deps.log.append(inboxStream(senderId), { id: header.id, bytes, bound });
    } catch (error) {
      this.#deps.counts.receiptsDropped += 1;
      this.#deps.logger.debug("receipt.dropped", { agent: senderId, error });
    }
  }

  /** The inbox of a removed agent takes nothing more: nobody reads it, and nothing would ever trim it. */
  async #hasReader(agentId: string): Promise<boolean> {
    try {
      return await this.#deps.isLiving(agentId);
    } catch (error) {
      this.#deps.counts.receiptsDropped += 1;
      this.#deps.logger.debug("receipt.dropped", { agent: agentId, error });
      return false;
    }
  }

  async #split(stream: StreamName, ledger: ReceiptLedger, stalled: StalledBatch): Promise<ReceiptBatch> {
    const facts = await this.#readFacts(stream, ledger.epoch, stalled.afterOffset, stalled.toOffset);
    return ledger.split(stalled, facts);
  }

  async #load(stream: StreamName): Promise<void> {
    const [delivered, inbox, receipted] = await Promise.all([
      this.#deps.log.acked(stream, "delivered"),
      this.#deps.log.acked(stream, "inbox"),
      this.#deps.log.acked(stream, "receipts"),
    ]);
    const marks = {
      receipted: receipted.offset,
      handed: Math.max(delivered.offset, inbox.offset, receipted.offset),
      read: inbox.offset,
    };
    const after = Math.max(marks.receipted, marks.handed - MAX_TAKEN_UP);
    const owed = this.#living(await this.#readFacts(stream, inbox.epoch, after, marks.handed));
    const ledger = new ReceiptLedger(inbox.epoch, marks, owed);
    this.#ledgers.set(stream, ledger);
    if (!ledger.isSettled) this.#markBusy(stream);
    this.#forgetIdle();
  }

  /** What of a part of the inbox asks for receipts; bytes are not kept, since the part may be large. */
  async #readFacts(stream: StreamName, epoch: number, after: number, to: number): Promise<ReceiptFact[]> {
    const facts: ReceiptFact[] = [];
    let at = { epoch, offset: after };
    while (at.offset < to) {
      const limit = Math.min(CATCH_UP_PAGE, to - at.offset);
      const page = await this.#deps.log.read(stream, { from: at, limit });
      if (page.gap && at.offset < page.first.offset - 1) {
        at = { epoch, offset: page.first.offset - 1 };
        continue;
      }
      const last = page.records.at(-1);
      if (last === undefined) break;
      facts.push(...factsFromRecords(page.records));
      at = { epoch: last.epoch, offset: last.offset };
    }
    return facts;
  }

  /** Without those that have expired: whether they were read before that is not known any more. */
  #living(facts: readonly ReceiptFact[]): readonly ReceiptFact[] {
    const nowUnixMs = this.#deps.clock.nowUnixMs();
    return facts.filter(({ expiresUnixMs }) => expiresUnixMs === 0 || expiresUnixMs > nowUnixMs);
  }

  /** Whatever is not under way can be taken up again from its marks. */
  #forgetIdle(): void {
    if (this.#ledgers.size <= IDLE_LEDGERS) return;
    for (const stream of this.#ledgers.keys()) {
      if (this.#ledgers.size <= IDLE_LEDGERS * 0.9) return;
      if (!this.#busy.has(stream) && !this.#flushed.has(stream)) this.#ledgers.delete(stream);
    }
  }
}

function factsFromRecords(records: readonly LogRecord[]): ReceiptFact[] {
  return records.map(factFromRecord).filter((fact) => fact !== undefined);
}

function rangeOf(group: { firstId: string; lastId: string; count: number }): object {
  return { first: group.firstId, last: group.lastId, count: group.count };
}

function noteOf(note: string): object {
  return note === "" ? {} : { note };
}
