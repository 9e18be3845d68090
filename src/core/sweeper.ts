import { peekEnvelope } from "../model/envelope-codec.ts";
import type { Position } from "../model/position.ts";
import type { AgentStore } from "../ports/agent-store.ts";
import type { ChannelStore } from "../ports/channel-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { LogRecord, MessageLog, StreamName } from "../ports/message-log.ts";
import type { OutcomeStore } from "../ports/outcome-store.ts";
import type { CoreBounds } from "./bounds.ts";
import type { Delivery } from "./delivery.ts";
import { isPointer } from "./pointer.ts";
import type { Receipts } from "./receipts.ts";
import { channelStream, inboxStream } from "./streams.ts";

const DUE_CHECK_MS = 1000;
const RETENTION_MS = 3_600_000;
const FIRST_SWEEP_MS = 5000;
const PAGE = 500;
/** Streams whose next expiry is kept in memory; the hourly pass finds those that do not fit. */
const MAX_TRACKED = 100_000;
const LARGE_BACKLOG = 5000;
const REST_MS_PER_RECORD = 0.1;

export interface SweeperDeps {
  readonly log: MessageLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly agents: AgentStore;
  readonly channels: ChannelStore;
  readonly outcomes: OutcomeStore;
  readonly delivery: Delivery;
  readonly receipts: Receipts;
  readonly bounds: CoreBounds;
}

/** Ends messages that nobody read in time, and forgets history that is old. */
export class Sweeper {
  readonly #deps: SweeperDeps;
  readonly #nextExpiry = new Map<StreamName, number>();
  /** Streams with a large backlog, and when they may be gone over again. */
  readonly #restUntil = new Map<StreamName, number>();
  readonly #timers: NodeJS.Timeout[] = [];
  #working: Promise<void> = Promise.resolve();
  #isStopped = false;

  constructor(deps: SweeperDeps) {
    this.#deps = deps;
  }

  /** A message in this stream ends then. */
  note(stream: StreamName, expiresUnixMs: number): void {
    const known = this.#nextExpiry.get(stream);
    if (known === undefined && this.#nextExpiry.size >= MAX_TRACKED) return;
    this.#nextExpiry.set(stream, Math.min(known ?? expiresUnixMs, expiresUnixMs));
  }

  /** Ends what is due in the noted streams. A stream that fails stays due and does not keep the others waiting. */
  async expireDue(): Promise<void> {
    const nowUnixMs = this.#deps.clock.nowUnixMs();
    let failure: { readonly thrown: unknown } | undefined;
    for (const [stream, dueUnixMs] of this.#dueAt(nowUnixMs)) {
      if (this.#isStopped) return;
      this.#nextExpiry.delete(stream);
      try {
        await this.#expireUnread(stream);
      } catch (thrown) {
        this.note(stream, dueUnixMs);
        failure ??= { thrown };
      }
    }
    if (failure !== undefined) throw failure.thrown;
  }

  /** Goes over all inboxes and channels. */
  async sweepAll(): Promise<void> {
    const { agents, channels, outcomes, log, clock, bounds } = this.#deps;
    const beforeUnixMs = clock.nowUnixMs() - Math.max(bounds.historyMs, bounds.unreadMs);
    await this.#forEach(
      (after) => agents.list(after, PAGE),
      ({ agentId }) => agentId,
      async (agentId) => {
        await this.#expireUnread(inboxStream(agentId));
        await log.trim(inboxStream(agentId), beforeUnixMs);
      },
    );
    await this.#forEach(
      (after) => channels.list(undefined, after, PAGE),
      ({ channelId }) => channelId,
      async (channelId) => {
        await log.trim(channelStream(channelId), beforeUnixMs);
      },
    );
    await outcomes.prune(beforeUnixMs);
  }

  /** Expiry every second, retention every hour; what an earlier run left over is found soon, off the start's path. */
  start(): void {
    this.#timers.push(
      setInterval(() => this.#run("expiry", () => this.expireDue()), DUE_CHECK_MS),
      setInterval(() => this.#run("retention", () => this.sweepAll()), RETENTION_MS),
      setTimeout(() => this.#run("retention", () => this.sweepAll()), FIRST_SWEEP_MS),
    );
    for (const timer of this.#timers) timer.unref();
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    for (const timer of this.#timers) clearInterval(timer);
    await this.#working;
  }

  /** One after the other; a pass that fails is tried again by the next. */
  #run(what: string, pass: () => Promise<void>): void {
    const { logger } = this.#deps;
    this.#working = this.#working
      .then(pass)
      .catch((error: unknown) => logger.warn("sweep.failed", { what, error }));
  }

  #dueAt(nowUnixMs: number): [StreamName, number][] {
    const due: [StreamName, number][] = [];
    for (const entry of this.#nextExpiry) {
      const [stream, dueUnixMs] = entry;
      if (dueUnixMs <= nowUnixMs && (this.#restUntil.get(stream) ?? 0) <= nowUnixMs) due.push(entry);
    }
    return due;
  }

  /** Ends what is expired among the unread, and moves the committed position over a beginning that is all expired. */
  async #expireUnread(stream: StreamName): Promise<void> {
    const { log, receipts, delivery } = this.#deps;
    const committed = await log.acked(stream, "inbox");
    let at: Position = committed;
    let front: Position = committed;
    let scanned = 0;
    while (!this.#isStopped) {
      const { records, gap, first } = await log.read(stream, { from: at, limit: PAGE });
      if (gap && at.epoch === first.epoch && at.offset < first.offset - 1) {
        // What was unread there is trimmed: a reader that starts at its committed position must not meet a gap.
        at = { epoch: first.epoch, offset: first.offset - 1 };
        front = at;
        continue;
      }
      const last = records.at(-1);
      if (last === undefined) break;
      const over = await delivery.overdue(records);
      if (over.length > 0) await delivery.expire(stream, over);
      for (const record of over) if (record.offset === front.offset + 1) front = record;
      this.#noteEarliest(stream, records, new Set(over));
      scanned += records.length;
      at = last;
    }
    this.#rest(stream, scanned);
    if (front.offset === committed.offset) return;
    receipts.skipped(stream, front.offset);
    await log.ack(stream, "inbox", { epoch: front.epoch, offset: front.offset });
  }

  /** A large backlog is not gone over again at once: short-lived messages into it would cost a scan each second. */
  #rest(stream: StreamName, scanned: number): void {
    if (scanned < LARGE_BACKLOG) this.#restUntil.delete(stream);
    else this.#restUntil.set(stream, this.#deps.clock.nowUnixMs() + scanned * REST_MS_PER_RECORD);
  }

  #noteEarliest(stream: StreamName, records: readonly LogRecord[], over: ReadonlySet<LogRecord>): void {
    for (const record of records) {
      if (isPointer(record.bytes) || over.has(record)) continue;
      const { expiresUnixMs } = peekEnvelope(record.bytes);
      if (expiresUnixMs !== 0) this.note(stream, expiresUnixMs);
    }
  }

  async #forEach<Item>(
    list: (after: string) => Promise<readonly Item[]>,
    idOf: (item: Item) => string,
    visit: (id: string) => Promise<void>,
  ): Promise<void> {
    for (let after = ""; !this.#isStopped; ) {
      const page = await list(after);
      for (const item of page) if (!this.#isStopped) await visit(idOf(item));
      const last = page.at(-1);
      if (last === undefined) return;
      after = idOf(last);
    }
  }
}
