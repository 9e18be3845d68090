import { keptPosition, safetyReadMsOf, sourceFromLog } from "../core/log-source.ts";
import { Pump, type PumpResolver } from "../core/pump.ts";
import type { Position } from "../model/position.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { LogRecord, MessageLog, StreamName } from "../ports/message-log.ts";
import type { CloseReason, Sink, SinkState } from "../ports/sink.ts";
import { type DeliveryFailure, failureFromUnknown } from "./delivery-failure.ts";
import { pause, type RetryPolicy, waitAfter } from "./retry.ts";

const PAGE_SIZE = 32;
const READ_RETRY_MS = 50;

export interface CourierDeps {
  readonly log: MessageLog;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly retry: RetryPolicy;
}

/** What a courier brings, and how. */
export interface Errand {
  readonly stream: StreamName;
  /** The position up to which nothing is to be brought any more, as it was committed. */
  readonly done: () => Promise<Position>;
  readonly resolver?: PumpResolver;
  /** Records on their way at once. */
  readonly window: number;
  /** Records of one key are brought one after the other; those of different keys do not wait for each other. */
  readonly keyOf: (record: LogRecord) => string;
  /** One attempt. Its rejection is a failure of it, told apart by `failureFromUnknown`. */
  readonly deliver: (record: LogRecord, signal: AbortSignal) => Promise<void>;
  /** The record is not tried any more. False = neither are those behind it: the courier stops where it is. */
  readonly giveUp: (record: LogRecord, failure: DeliveryFailure) => Promise<boolean>;
  /** Nothing up to here is to be brought any more. */
  readonly commit: (position: Position) => Promise<void>;
  /** Called once when the courier stopped by itself. */
  readonly onEnd?: () => void;
}

interface Carried {
  readonly record: LogRecord;
  isDone: boolean;
}

/**
 * Brings the records of a stream to somebody by calls that may fail: each is tried until it is taken or given up, with
 * waits that grow. What was committed is not brought again; what was on its way when the hub died is.
 */
export class Courier implements Sink {
  readonly #deps: CourierDeps;
  readonly #errand: Errand;
  readonly #stopping = new AbortController();
  readonly #carried: Carried[] = [];
  readonly #chains = new Map<string, Promise<void>>();
  #pump: Pump | undefined;
  #resume: () => void = () => undefined;
  #starting: Promise<void> | undefined;
  #committing: Promise<void> = Promise.resolve();

  constructor(deps: CourierDeps, errand: Errand) {
    this.#deps = deps;
    this.#errand = errand;
  }

  /** Whether something is on its way, or waits for its next attempt. */
  get isBusy(): boolean {
    return this.#carried.length > 0;
  }

  start(): void {
    this.#starting ??= this.#start();
  }

  /** Gives up the calls under way; they are made again by whoever starts from what is committed. */
  async stop(): Promise<void> {
    this.#stopping.abort();
    this.#pump?.stop();
    await this.#starting;
    await Promise.all(this.#chains.values());
    await this.#committing;
  }

  write(records: readonly LogRecord[]): SinkState {
    for (const record of records) this.#take(record);
    return this.#carried.length >= this.#errand.window ? "full" : "ready";
  }

  onReady(resume: () => void): void {
    this.#resume = resume;
  }

  /** By the pump: what is to be brought next is not kept any more. What is kept still is. */
  close(reason: CloseReason): void {
    if (reason !== "gap" || this.#stopping.signal.aborted) return;
    this.#starting = this.#start();
  }

  async #start(): Promise<void> {
    const { log, logger } = this.#deps;
    const { stream, resolver } = this.#errand;
    const { signal } = this.#stopping;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const at = await this.#findStart();
        this.#pump = new Pump(sourceFromLog(log, stream), this, at, {
          pageSize: PAGE_SIZE,
          retryMs: READ_RETRY_MS,
          safetyReadMs: safetyReadMsOf(log),
          room: () => this.#errand.window - this.#carried.length,
          onReadError: (error) => logger.warn("outbound.not_read", { stream, error }),
          ...(resolver === undefined ? {} : { resolver }),
        });
        if (!signal.aborted) this.#pump.start();
        return;
      } catch (error) {
        logger.warn("outbound.not_started", { stream, error });
        await pause(waitAfter(failures, this.#deps.retry), signal);
      }
    }
  }

  async #findStart(): Promise<Position> {
    const { log, logger } = this.#deps;
    const { stream } = this.#errand;
    const done = await this.#errand.done();
    const { epoch, offset, isPassed } = await keptPosition(log, stream, done);
    if (isPassed) logger.warn("outbound.skipped", { stream, from: done.offset + 1, to: offset });
    return { epoch, offset };
  }

  #take(record: LogRecord): void {
    const carried: Carried = { record, isDone: false };
    this.#carried.push(carried);
    const key = this.#errand.keyOf(record);
    const before = this.#chains.get(key) ?? Promise.resolve();
    const chain = before.then(() => this.#bring(carried));
    this.#chains.set(key, chain);
    void chain.then(() => {
      if (this.#chains.get(key) === chain) this.#chains.delete(key);
    });
  }

  /** Never rejects. */
  async #bring(carried: Carried): Promise<void> {
    const { clock, retry } = this.#deps;
    const { signal } = this.#stopping;
    let firstFailureMs: number | undefined;
    for (let failures = 1; !signal.aborted; failures++) {
      const failure = await this.#attempt(carried.record);
      if (failure === undefined) return this.#done(carried);
      if (signal.aborted) return;
      firstFailureMs ??= clock.steadyMs();
      const waitMs = waitAfter(failures, retry, failure.retryAfterMs);
      const isOver = clock.steadyMs() + waitMs - firstFailureMs > retry.giveUpMs;
      if ((failure.isFinal || isOver) && (await this.#gaveUp(carried, failure))) return;
      await pause(waitMs, signal);
    }
  }

  async #attempt(record: LogRecord): Promise<DeliveryFailure | undefined> {
    try {
      await this.#errand.deliver(record, this.#stopping.signal);
      return undefined;
    } catch (thrown) {
      return failureFromUnknown(thrown);
    }
  }

  /** False when that could not be written down: then it is tried again. */
  async #gaveUp(carried: Carried, failure: DeliveryFailure): Promise<boolean> {
    const { stream } = this.#errand;
    try {
      const goesOn = await this.#errand.giveUp(carried.record, failure);
      if (goesOn) this.#done(carried);
      else this.#end();
      return true;
    } catch (error) {
      this.#deps.logger.warn("outbound.not_given_up", { stream, error });
      return false;
    }
  }

  #end(): void {
    if (this.#stopping.signal.aborted) return;
    this.#stopping.abort();
    this.#pump?.stop();
    this.#errand.onEnd?.();
  }

  #done(carried: Carried): void {
    carried.isDone = true;
    let last: LogRecord | undefined;
    while (this.#carried[0]?.isDone === true) last = this.#carried.shift()?.record;
    if (last === undefined) return;
    const { epoch, offset } = last;
    const { stream } = this.#errand;
    this.#committing = this.#errand.commit({ epoch, offset }).catch((error: unknown) => {
      // The next one moves the mark over this one; a crash before that costs a repeat.
      this.#deps.logger.warn("outbound.not_committed", { stream, error });
    });
    if (this.#carried.length <= this.#errand.window / 2) this.#resume();
  }
}
