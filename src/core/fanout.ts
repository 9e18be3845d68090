import { peekEnvelope } from "../model/envelope-codec.ts";
import { NO_MESSAGE_ID } from "../model/message-id.ts";
import type { Position } from "../model/position.ts";
import type { ChannelStore } from "../ports/channel-store.ts";
import type { Logger } from "../ports/logger.ts";
import type { LogRecord, MessageLog, StreamName } from "../ports/message-log.ts";
import type { Sink, SinkState } from "../ports/sink.ts";
import type { Delivery } from "./delivery.ts";
import { keptPosition, sourceFromLog } from "./log-source.ts";
import { encodePointer } from "./pointer.ts";
import { Pump } from "./pump.ts";
import { channelStream, inboxStream } from "./streams.ts";

const PAGE_SIZE = 32;
const RETRY_MS = 50;
const MEMBERS_PER_BATCH = 1000;

export interface FanoutDeps {
  readonly log: MessageLog;
  readonly channels: ChannelStore;
  readonly delivery: Delivery;
  readonly logger: Logger;
}

/** Brings each message of a channel to its members: a small pointer in each inbox, in the channel's order. */
export interface Fanout {
  /** Makes sure that the channel's messages are being brought on; cheap when they are. */
  wake(channelId: string): void;
  /** Goes on with what an earlier run of the hub left over. */
  resumeAll(): Promise<void>;
  stop(): Promise<void>;
}

/** Channels are brought on one by one, each by a pump of its own, from their first message in this run on. */
export function createFanout(deps: FanoutDeps): Fanout {
  const running = new Map<string, ChannelFanout>();
  let isStopped = false;

  function start(channelId: string): void {
    if (isStopped || running.has(channelId)) return;
    const fanout = new ChannelFanout(deps, channelId, () => {
      running.delete(channelId);
      start(channelId);
    });
    running.set(channelId, fanout);
    fanout.start().catch((error: unknown) => {
      running.delete(channelId);
      deps.logger.error("fanout.not_started", { channel: channelId, error });
    });
  }

  return {
    wake: start,
    async resumeAll() {
      for (let after = ""; ; ) {
        const page = await deps.channels.list(undefined, after, 500);
        for (const { channelId } of page) {
          const stream = channelStream(channelId);
          const [{ end }, done] = await Promise.all([
            deps.log.read(stream, { from: { epoch: 0, offset: 0 }, limit: 0 }),
            deps.log.acked(stream, "fanout"),
          ]);
          if (done.offset < end.offset) start(channelId);
        }
        const last = page.at(-1);
        if (last === undefined) return;
        after = last.channelId;
      }
    },
    async stop() {
      isStopped = true;
      await Promise.all([...running.values()].map((fanout) => fanout.stop()));
      running.clear();
    },
  };
}

/** One channel: a pump from its stream to the inboxes. The committed position says what every member has. */
class ChannelFanout implements Sink {
  readonly #deps: FanoutDeps;
  readonly #channelId: string;
  #pump: Pump | undefined;
  #resume: () => void = () => undefined;
  #working: Promise<void> = Promise.resolve();
  #marking: Promise<void> = Promise.resolve();
  readonly #onGap: () => void;
  #isStopped = false;

  constructor(deps: FanoutDeps, channelId: string, onGap: () => void) {
    this.#deps = deps;
    this.#channelId = channelId;
    this.#onGap = onGap;
  }

  async start(): Promise<void> {
    const { log, logger } = this.#deps;
    const stream = channelStream(this.#channelId);
    const start = await this.#findStart(stream);
    const source = sourceFromLog(log, stream);
    this.#pump = new Pump(source, this, start, {
      pageSize: PAGE_SIZE,
      retryMs: RETRY_MS,
      onReadError: (error) => logger.warn("channel.not_read", { channel: this.#channelId, error }),
    });
    if (!this.#isStopped) this.#pump.start();
  }

  /** After what every member has, or, where retention has passed that, with what is still kept. */
  async #findStart(stream: StreamName): Promise<Position> {
    const { log, logger } = this.#deps;
    const done = await log.acked(stream, "fanout");
    const { epoch, offset, isPassed } = await keptPosition(log, stream, done);
    if (isPassed)
      logger.warn("fanout.skipped", { channel: this.#channelId, from: done.offset + 1, to: offset });
    return { epoch, offset };
  }

  async stop(): Promise<void> {
    this.#isStopped = true;
    this.#pump?.stop();
    await this.#working;
    await this.#marking;
  }

  /** Says full until every member has the batch. */
  write(records: readonly LogRecord[]): SinkState {
    this.#working = this.#bring(records);
    return "full";
  }

  onReady(resume: () => void): void {
    this.#resume = resume;
  }

  /** The pump ends by itself only on a gap. */
  close(): void {
    if (!this.#isStopped) this.#onGap();
  }

  async #bring(records: readonly LogRecord[]): Promise<void> {
    for (let waitMs = RETRY_MS; !this.#isStopped; waitMs = Math.min(waitMs * 2, 5000)) {
      try {
        for (const record of records) await this.#bringOne(record);
        this.#resume();
        return;
      } catch (error) {
        this.#deps.logger.warn("fanout.delayed", { channel: this.#channelId, error });
        await new Promise((resolve) => setTimeout(resolve, waitMs).unref());
      }
    }
  }

  /** On a retry, members that have the pointer get it again: the id makes the repeat removable. */
  async #bringOne(record: LogRecord): Promise<void> {
    const { log, channels, delivery } = this.#deps;
    const stream = channelStream(this.#channelId);
    delivery.remember(stream, record);
    const sender = peekEnvelope(record.bytes).from;
    const bytes = encodePointer({ stream, epoch: record.epoch, offset: record.offset });
    for (let after = ""; ; ) {
      const members = await channels.members(this.#channelId, after, MEMBERS_PER_BATCH);
      const isLastBatch = members.length < MEMBERS_PER_BATCH;
      const receivers = members.filter((member) => member !== sender);
      await Promise.all(
        receivers.map((member) => log.append(inboxStream(member), { id: NO_MESSAGE_ID, bytes })),
      );
      if (isLastBatch) {
        this.#mark({ epoch: record.epoch, offset: record.offset });
        return;
      }
      after = members.at(-1) ?? "";
    }
  }

  /**
   * Every member has the record. Said only when the pointers are durable, as a mark may be written before appends
   * that wait, and not waited for: a crash in between costs repeats, never a message.
   */
  #mark(done: Position): void {
    const { log, logger } = this.#deps;
    this.#marking = log.ack(channelStream(this.#channelId), "fanout", done).then(
      () => undefined,
      (error: unknown) => logger.warn("fanout.not_marked", { channel: this.#channelId, error }),
    );
  }
}
