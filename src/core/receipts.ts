import { EMPTY_HEADER } from "../model/envelope.ts";
import { encodeEnvelope } from "../model/envelope-codec.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { LogRecord, MessageLog, StreamName } from "../ports/message-log.ts";
import type { CoreBounds } from "./bounds.ts";
import type { MessageState } from "./messages.ts";
import { type ReceiptBatch, ReceiptLedger, type StalledBatch } from "./receipt-ledger.ts";
import { inboxStream, ownerOfInbox } from "./streams.ts";

const FLUSH_MS = 200;
const IDLE_LEDGERS = 50_000;
const CATCH_UP_PAGE = 500;
const MAX_TAKEN_UP = 10_000;
/** Receipts may fill half an inbox: the rest is for messages. */
const SHARE_OF_INBOX = 0.5;

export interface ReceiptsDeps {
  readonly log: MessageLog;
  readonly clock: Clock;
  readonly ids: () => string;
  readonly logger: Logger;
  readonly bounds: CoreBounds;
}

/**
 * Tells senders what became of their messages, as RECEIPT envelopes in their inboxes. What is delivered and read is
 * derived from positions: one receipt covers all messages of one sender to one inbox within 200 ms, and a `read`
 * that follows so soon replaces the `delivered`. Receipts are a courtesy: the ladder can always be asked.
 */
export class Receipts {
  readonly #ledgers = new Map<StreamName, ReceiptLedger>();
  readonly #busy = new Set<StreamName>();
  readonly #deps: ReceiptsDeps;
  #timer: NodeJS.Timeout | undefined;
  #flushing: Promise<void> = Promise.resolve();

  constructor(deps: ReceiptsDeps) {
    this.#deps = deps;
  }

  /** To be awaited before the first delivery from an inbox: takes up what an earlier run of the hub left over. */
  async open(stream: StreamName): Promise<void> {
    if (this.#ledgers.has(stream)) return;
    const [delivered, inbox, receipted] = await Promise.all([
      this.#deps.log.acked(stream, "delivered"),
      this.#deps.log.acked(stream, "inbox"),
      this.#deps.log.acked(stream, "receipts"),
    ]);
    if (this.#ledgers.has(stream)) return;
    const handed = Math.max(delivered.offset, inbox.offset);
    const ledger = new ReceiptLedger(inbox.epoch, {
      receipted: receipted.offset,
      handed,
      read: inbox.offset,
    });
    this.#ledgers.set(stream, ledger);
    if (receipted.offset < handed) await this.#takeUp(stream, ledger, receipted.offset, handed);
    this.#forgetIdle();
  }

  /** Records were handed to a reader of the inbox. */
  handed(stream: StreamName, records: readonly LogRecord[]): void {
    const ledger = this.#ledgers.get(stream);
    if (ledger === undefined) return;
    ledger.handed(records);
    this.#markBusy(stream);
  }

  /** The last offset of the inbox that was handed to any reader, as far as this process knows. */
  handedOffset(stream: StreamName): number {
    return this.#ledgers.get(stream)?.handedOffset ?? 0;
  }

  /** The reader acknowledged up to here. */
  read(stream: StreamName, offset: number): void {
    const ledger = this.#ledgers.get(stream);
    if (ledger === undefined || !ledger.readTo(offset)) return;
    this.#markBusy(stream);
  }

  /** The hub itself moved the committed position, over expired messages: nobody read them. */
  skipped(stream: StreamName, offset: number): void {
    this.#ledgers.get(stream)?.skipTo(offset);
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

  #markBusy(stream: StreamName): void {
    this.#busy.add(stream);
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      void this.flush();
    }, FLUSH_MS);
  }

  async #flushOnce(): Promise<void> {
    const busy = [...this.#busy];
    this.#busy.clear();
    await Promise.all(busy.map((stream) => this.#flushStream(stream)));
  }

  async #flushStream(stream: StreamName): Promise<void> {
    const ledger = this.#ledgers.get(stream);
    if (ledger === undefined) return;
    const due = ledger.takeDue();
    try {
      const to = ownerOfInbox(stream) ?? stream;
      for (const batch of due.batches) await this.#emit(to, batch);
      if (due.stalled !== undefined) await this.#emit(to, await this.#split(stream, ledger, due.stalled));
      await this.#deps.log.ack(stream, "delivered", { epoch: ledger.epoch, offset: ledger.handedOffset });
      await this.#deps.log.ack(stream, "receipts", { epoch: ledger.epoch, offset: ledger.receiptedOffset });
      if (due.comeAgain) this.#markBusy(stream);
    } catch (error) {
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
      this.#deps.logger.debug("receipt.dropped", { agent: senderId, error });
    }
  }

  async #split(stream: StreamName, ledger: ReceiptLedger, stalled: StalledBatch): Promise<ReceiptBatch> {
    const records = await this.#readRange(stream, ledger.epoch, stalled.afterOffset, stalled.toOffset);
    return ledger.split(stalled, records);
  }

  /** Receipts that an earlier run of the hub owed. */
  async #takeUp(stream: StreamName, ledger: ReceiptLedger, from: number, to: number): Promise<void> {
    ledger.handedBefore(await this.#readRange(stream, ledger.epoch, from, to));
    this.#markBusy(stream);
  }

  /** At most the newest 10,000 of the range: receipts that old are not worth more. */
  async #readRange(stream: StreamName, epoch: number, after: number, to: number): Promise<LogRecord[]> {
    const records: LogRecord[] = [];
    let at = { epoch, offset: Math.max(after, to - MAX_TAKEN_UP) };
    while (at.offset < to) {
      const page = await this.#deps.log.read(stream, {
        from: at,
        limit: Math.min(CATCH_UP_PAGE, to - at.offset),
      });
      const last = page.records.at(-1);
      if (last === undefined) break;
      records.push(...page.records);
      at = { epoch: last.epoch, offset: last.offset };
    }
    return records;
  }

  #forgetIdle(): void {
    if (this.#ledgers.size <= IDLE_LEDGERS) return;
    for (const [stream, ledger] of this.#ledgers) {
      if (this.#ledgers.size <= IDLE_LEDGERS * 0.9) return;
      if (ledger.isSettled && !this.#busy.has(stream)) this.#ledgers.delete(stream);
    }
  }
}

function rangeOf(group: { firstId: string; lastId: string; count: number }): object {
  return { first: group.firstId, last: group.lastId, count: group.count };
}

function noteOf(note: string): object {
  return note === "" ? {} : { note };
}
