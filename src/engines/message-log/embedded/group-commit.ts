import { MeshError, meshErrorFromUnknown } from "../../../model/errors.ts";
import type { LogMeter } from "../../../ports/log-meter.ts";
import type { Appended, LogRecord, Mark, NewRecord, ReaderName } from "../../../ports/message-log.ts";
import { AppendQueue, type Pending } from "./append-queue.ts";
import { type Batch, type OtherWrite, writeBatch } from "./batch-writer.ts";
import { DiskRoom } from "./disk-room.ts";
import type { Environment } from "./environment.ts";
import { chunkKey } from "./keys.ts";
import { noteDirty, READERS, type StreamState } from "./stream-state.ts";
import type { StreamTable } from "./stream-table.ts";

/** How long moved marks may wait for an append to share a commit with. */
const MARK_DELAY_MS = 20;

export interface GroupCommitOptions {
  readonly nowUnixMs: () => number;
  /** The store may hold what was refused: the hub must stop and start again. */
  readonly onFatal: (error: MeshError) => void;
  readonly onWatcherError: (thrown: unknown) => void;
  readonly meter?: LogMeter | undefined;
}

/**
 * One commit in flight; what comes meanwhile, and all of one event turn, leaves together as the next. Offsets are
 * given when a commit is built, so a commit that fails leaves no hole.
 */
export class GroupCommit {
  readonly #queue = new AppendQueue();
  #dirty = new Set<StreamState>();
  /** Calls that wait for marks, and writes of other parts of the engine. */
  #others: OtherWrite[] = [];
  #running: Promise<void> | undefined;
  #isScheduled = false;
  #markTimer: NodeJS.Timeout | undefined;
  /** Why nothing is taken any more. */
  #stopped: MeshError | undefined;
  readonly #env: Environment;
  readonly #table: StreamTable;
  readonly #options: GroupCommitOptions;
  readonly #room: DiskRoom;

  constructor(env: Environment, table: StreamTable, options: GroupCommitOptions) {
    this.#env = env;
    this.#table = table;
    this.#options = options;
    options.meter?.watchQueue(() => ({ records: this.#queue.length, bytes: this.#queue.bytes }));
    this.#room = new DiskRoom(env.path, () => env.unusedBytes());
  }

  append(state: StreamState, record: NewRecord): Promise<Appended> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    const appended = this.#queue.push(state, record);
    this.#schedule();
    return appended;
  }

  /** Moves the mark at once for this process, and durably with the next commit. */
  moveMark(state: StreamState, reader: ReaderName, mark: Mark): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    state.marks[reader] = mark;
    noteDirty(state, reader);
    this.#dirty.add(state);
    return this.marksSaved();
  }

  /** Answers when all marks that have moved are durable. */
  marksSaved(): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    this.#markTimer ??= setTimeout(() => {
      this.#markTimer = undefined;
      this.#schedule();
    }, MARK_DELAY_MS);
    return this.#other(() => undefined);
  }

  /** Lets `write` issue puts and removes within the next commit. */
  write(write: () => void): Promise<void> {
    if (this.#stopped !== undefined) return Promise.reject(this.#stopped);
    this.#schedule();
    return this.#other(write);
  }

  /** Takes nothing more; answers when all that was taken is durable or refused. */
  async close(): Promise<void> {
    this.#stopped ??= new MeshError("unavailable", "the hub is stopping", {
      hint: "try again",
      retryAfterS: 1,
    });
    while (this.#running !== undefined || this.#hasWork()) {
      this.#start();
      await this.#running;
    }
  }

  #other(write: () => void): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#others.push({ write, resolve, reject });
    });
  }

  #hasWork(): boolean {
    return this.#queue.length > 0 || this.#others.length > 0;
  }

  #schedule(): void {
    if (this.#running !== undefined || this.#isScheduled) return;
    this.#isScheduled = true;
    // Everything that arrives in this turn of the event loop shares the commit.
    setImmediate(() => {
      this.#isScheduled = false;
      this.#start();
    });
  }

  #start(): void {
    if (this.#running !== undefined || !this.#hasWork()) return;
    this.#running = this.#commitOnce().then(() => {
      this.#running = undefined;
      // What the answers of this commit set off in this turn goes with the next one.
      if (this.#queue.length > 0 || (this.#others.length > 0 && this.#markTimer === undefined))
        this.#schedule();
    });
  }

  async #commitOnce(): Promise<void> {
    const batch = this.#writable(this.#take());
    if (batch === undefined) return;
    for (const state of batch.marks) state.pins += 1;
    const startMs = performance.now();
    try {
      await this.#env.commit(() => writeBatch(this.#env, this.#table, batch, this.#options.nowUnixMs()));
    } catch (thrown) {
      const error = meshErrorFromUnknown(thrown);
      this.#options.meter?.failed(error.code);
      this.#refuse(batch, error);
      return;
    } finally {
      for (const state of batch.marks) state.pins -= 1;
    }
    this.#measure(batch, startMs);
    for (const [state, group] of batch.groups) this.#publish(state, group);
    for (const { record, state, offset, resolve } of batch.appends) {
      resolve({ epoch: state.epoch, offset, id: record.id, duplicate: false });
    }
    for (const other of batch.others) other.resolve();
  }

  #measure({ appends, sinceMs }: Batch, startMs: number): void {
    const { meter } = this.#options;
    if (meter === undefined) return;
    const nowMs = performance.now();
    let bytes = 0;
    for (const { record } of appends) bytes += record.bytes.length;
    const appendMs = appends.length === 0 ? undefined : nowMs - sinceMs;
    meter.committed({ records: appends.length, bytes, appendMs, commitMs: nowMs - startMs });
  }

  #take(): Batch {
    const { sinceMs } = this.#queue;
    const appends = this.#queue.take();
    const batch = {
      appends,
      groups: Map.groupBy(appends, (pending) => pending.state),
      marks: this.#dirty,
      others: this.#others,
      sinceMs,
    };
    this.#dirty = new Set();
    this.#others = [];
    clearTimeout(this.#markTimer);
    this.#markTimer = undefined;
    return batch;
  }

  /** The part of the batch that the disk takes; the rest is refused. */
  #writable(batch: Batch): Batch | undefined {
    const full = this.#room.refusal(batch);
    if (full === undefined) return batch;
    this.#options.meter?.failed(full.code);
    if (batch.appends.length === 0) {
      this.#reject(batch, full);
      return undefined;
    }
    // Marks and trimming need little room, and trimming makes some.
    this.#reject({ ...batch, marks: new Set(), others: [] }, full);
    const rest = { ...batch, appends: [], groups: new Map() };
    return rest.others.length + rest.marks.size === 0 ? undefined : this.#writable(rest);
  }

  #publish(state: StreamState, group: readonly Pending[]): void {
    let bytes = 0;
    for (const { record } of group) bytes += record.bytes.length;
    state.totalBytes += bytes;
    state.queuedBytes -= bytes;
    state.queuedRecords -= group.length;
    state.last += group.length;
    if (state.watchers.size === 0) return;
    const records: LogRecord[] = group.map(({ record, offset }) => ({
      epoch: state.epoch,
      offset,
      bytes: record.bytes,
    }));
    for (const wake of state.watchers) {
      try {
        wake(records);
      } catch (thrown) {
        this.#options.onWatcherError(thrown);
      }
    }
  }

  #refuse(batch: Batch, error: MeshError): void {
    if (error.code === "internal" || this.#isVisible(batch)) this.#stop(error);
    this.#reject(batch, error);
  }

  /** Leaves everything as if the batch had not been written. */
  #reject(batch: Batch, error: MeshError): void {
    for (const { state, record } of batch.appends) {
      state.queuedRecords -= 1;
      state.queuedBytes -= record.bytes.length;
    }
    for (const state of batch.groups.keys()) {
      // The number was in the commit that failed.
      if (state.last === 0 && !this.#env.streams.doesExist(state.name)) state.number = 0;
    }
    for (const state of batch.marks) {
      for (const reader of READERS) if (state.marks[reader] !== undefined) noteDirty(state, reader);
      this.#dirty.add(state);
    }
    for (const pending of batch.appends) pending.reject(error);
    for (const other of batch.others) other.reject(error);
  }

  /** A commit that failed and is there nevertheless must not be answered, and must not be written again. */
  #isVisible(batch: Batch): boolean {
    this.#env.refreshReads();
    for (const state of batch.groups.keys()) {
      if (this.#env.chunks.doesExist(chunkKey(state.number, state.last + 1))) return true;
    }
    return false;
  }

  #stop(error: MeshError): void {
    this.#stopped = error;
    for (const pending of this.#queue.takeAll()) pending.reject(error);
    for (const other of this.#others) other.reject(error);
    this.#others = [];
    this.#options.onFatal(error);
  }
}
