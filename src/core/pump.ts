import { isNext, isSeen, type Position } from "../model/position.ts";
import type { LogPage, LogRecord, Wake } from "../ports/message-log.ts";
import type { CloseReason, Sink } from "../ports/sink.ts";

/** One stream, seen from the pump. */
export interface PumpSource {
  read(from: Position, limit: number): Promise<LogPage>;
  watch(wake: Wake): () => void;
}

/**
 * Turns stored records into what the sink gets: follows pointers, drops what expired. Order is kept; records may
 * be fewer than before.
 */
export interface PumpResolver {
  /** The fast path; undefined when it takes a read. */
  now(records: readonly LogRecord[]): readonly LogRecord[] | undefined;
  /** May reject; then the pump tries again later. */
  later(records: readonly LogRecord[]): Promise<readonly LogRecord[]>;
}

export interface PumpOptions {
  /** Records of one read. */
  readonly pageSize: number;
  /** First wait after a failed read; doubles up to 64 times this. */
  readonly retryMs: number;
  /** When wakes can be lost: read at least this often, with jitter. */
  readonly safetyReadMs?: number | undefined;
  readonly resolver?: PumpResolver;
  /** How many records the sink may get now; with 0 the pump pauses until `resume`. */
  readonly room?: () => number;
  /** Called whenever there is nothing left to read. */
  readonly onCaughtUp?: () => void;
  readonly onReadError: (thrown: unknown) => void;
  /** Waits between failed reads; tests pass their own. */
  readonly sleep?: (ms: number) => Promise<void>;
  /** Called once when the pump ended by itself: a gap, or a sink that closed. */
  readonly onEnd?: (reason: CloseReason) => void;
}

type State = "idle" | "catching-up" | "live" | "paused" | "stopped";

const MAX_BACKOFF = 64;

/**
 * Moves records of one stream to one sink: every record once, in order, from `at` on. The log is the truth, a
 * wake is a hint: lost (with `safetyReadMs`), late or repeated wakes cost a read, never a record.
 */
export class Pump {
  #at: Position;
  #state: State = "idle";
  /** A wake came while catching up, so an empty page does not prove that the end is reached. */
  #dirty = false;
  /** Counts catch-ups; a loop that is not the newest ends. */
  #run = 0;
  #unwatch: (() => void) | undefined;
  #timer: NodeJS.Timeout | undefined;
  readonly #source: PumpSource;
  readonly #sink: Sink;
  readonly #options: PumpOptions;

  constructor(source: PumpSource, sink: Sink, at: Position, options: PumpOptions) {
    this.#source = source;
    this.#sink = sink;
    this.#at = at;
    this.#options = options;
  }

  /** The last record that was handed to the sink, or skipped. */
  get at(): Position {
    return this.#at;
  }

  start(): void {
    if (this.#state !== "idle") return;
    this.#sink.onReady(() => this.resume());
    // Before the first read: what is appended from here on is either read or announced.
    this.#unwatch = this.#source.watch((records) => this.#onWake(records));
    this.#startSafetyReads();
    void this.#catchUp();
  }

  pause(): void {
    if (this.#state !== "stopped") this.#state = "paused";
  }

  resume(): void {
    if (this.#state === "paused") void this.#catchUp();
  }

  stop(): void {
    this.#state = "stopped";
    this.#unwatch?.();
    this.#unwatch = undefined;
    clearTimeout(this.#timer);
  }

  #onWake(records: readonly LogRecord[]): void {
    if (this.#state === "catching-up") this.#dirty = true;
    if (this.#state !== "live") return;
    const last = records.at(-1);
    if (last !== undefined && isSeen(this.#at, last)) return;
    const fresh = this.#freshRun(records);
    const resolved = fresh === undefined ? undefined : this.#resolveNow(fresh);
    if (fresh === undefined || resolved === undefined) void this.#catchUp();
    else this.#hand(fresh, resolved);
  }

  /** The unseen part of a wake when it continues where the sink is; undefined when it does not. */
  #freshRun(records: readonly LogRecord[]): readonly LogRecord[] | undefined {
    const start = records.findIndex((record) => isNext(this.#at, record));
    const first = records[start];
    const last = records.at(-1);
    if (first === undefined || last === undefined) return undefined;
    const fresh = start === 0 ? records : records.slice(start);
    const isDense = last.epoch === first.epoch && last.offset - first.offset + 1 === fresh.length;
    return isDense && fresh.length <= this.#room() ? fresh : undefined;
  }

  async #catchUp(): Promise<void> {
    const run = ++this.#run;
    this.#state = "catching-up";
    let backoff = 1;
    while (this.#isRunning(run)) {
      const limit = Math.min(this.#options.pageSize, this.#room());
      if (limit <= 0) {
        this.#state = "paused";
        return;
      }
      this.#dirty = false;
      try {
        await this.#readOnce(run, limit);
        backoff = 1;
      } catch (thrown) {
        this.#options.onReadError(thrown);
        await (this.#options.sleep ?? sleepUnref)(this.#options.retryMs * backoff);
        backoff = Math.min(backoff * 2, MAX_BACKOFF);
      }
    }
  }

  async #readOnce(run: number, limit: number): Promise<void> {
    const page = await this.#source.read(this.#at, limit);
    if (!this.#isRunning(run)) return;
    if (page.gap) this.#end("gap");
    else if (page.records.length > 0) await this.#handPage(run, page.records);
    else if (!this.#dirty) {
      this.#state = "live";
      this.#options.onCaughtUp?.();
    }
  }

  async #handPage(run: number, records: readonly LogRecord[]): Promise<void> {
    let resolved = this.#resolveNow(records);
    if (resolved === undefined) {
      resolved = (await this.#options.resolver?.later(records)) ?? records;
      if (!this.#isRunning(run)) return;
    }
    this.#hand(records, resolved);
  }

  #resolveNow(records: readonly LogRecord[]): readonly LogRecord[] | undefined {
    return this.#options.resolver === undefined ? records : this.#options.resolver.now(records);
  }

  /** The only place that moves `#at`. */
  #hand(records: readonly LogRecord[], resolved: readonly LogRecord[]): void {
    const last = records.at(-1);
    if (last === undefined) return;
    this.#at = { epoch: last.epoch, offset: last.offset };
    if (resolved.length === 0) return;
    const answer = this.#sink.write(resolved);
    if (answer === "full") this.pause();
    else if (answer === "closed") this.#end("closed");
  }

  #end(reason: CloseReason): void {
    if (this.#state === "stopped") return;
    this.stop();
    this.#sink.close(reason);
    this.#options.onEnd?.(reason);
  }

  #room(): number {
    return this.#options.room?.() ?? Number.POSITIVE_INFINITY;
  }

  #isRunning(run: number): boolean {
    return this.#state === "catching-up" && this.#run === run;
  }

  #startSafetyReads(): void {
    const everyMs = this.#options.safetyReadMs;
    if (everyMs === undefined) return;
    const schedule = (): void => {
      this.#timer = setTimeout(
        () => {
          if (this.#state === "live") void this.#catchUp();
          if (this.#state !== "stopped") schedule();
        },
        everyMs * (0.75 + Math.random() / 2),
      );
      this.#timer.unref();
    };
    schedule();
  }
}

function sleepUnref(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms).unref();
  });
}
