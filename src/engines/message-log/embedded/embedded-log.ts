import { MeshError } from "../../../model/errors.ts";
import type { Position } from "../../../model/position.ts";
import type { LogMeter } from "../../../ports/log-meter.ts";
import type { Backlog, LogUpkeep, RecordChange } from "../../../ports/log-upkeep.ts";
import type {
  Appended,
  LogPage,
  Mark,
  MessageLog,
  MessageLogTraits,
  NewRecord,
  OpenMessageLog,
  ReaderName,
  ReadQuery,
  StreamName,
  Wake,
} from "../../../ports/message-log.ts";
import { findInCommits, NoteSweep } from "./commit-index.ts";
import { findDuplicate, forgetDedupes } from "./dedupe.ts";
import { type Environment, openEnvironment } from "./environment.ts";
import { GroupCommit } from "./group-commit.ts";
import { readPage } from "./reader.ts";
import { rewriteAll } from "./rewrite.ts";
import { lastOfEpoch, markOf, type StreamState } from "./stream-state.ts";
import { ackedBytes, StreamTable } from "./stream-table.ts";
import { sweepNotes, trimStream } from "./trim.ts";

export interface EmbeddedLogOptions {
  /** Folder of the LMDB files; made when it is not there. One process at a time: the caller holds the lock. */
  readonly path: string;
  readonly durability: "power" | "process";
  readonly nowUnixMs: () => number;
  readonly onFatal: (error: MeshError) => void;
  readonly onWatcherError: (thrown: unknown) => void;
  readonly meter?: LogMeter;
  /** Streams whose state is kept in memory although idle. */
  readonly stateCapacity?: number;
}

const STATE_CAPACITY = 20_000;

/** Opens the embedded message log: LMDB, one group commit in flight, accepted = flushed (in `power`). */
export async function openEmbeddedLog(options: EmbeddedLogOptions): Promise<OpenMessageLog & LogUpkeep> {
  const env = await openEnvironment(options.path, options.durability);
  return new EmbeddedLog(env, options);
}

class EmbeddedLog implements MessageLog, LogUpkeep, AsyncDisposable {
  readonly traits: MessageLogTraits;
  readonly #env: Environment;
  readonly #table: StreamTable;
  readonly #commits: GroupCommit;
  readonly #notes: NoteSweep;
  readonly #nowUnixMs: () => number;
  #closed: Promise<void> | undefined;
  #upkeep: Promise<void> = Promise.resolve();
  /** Appends with a dedupe key that wait for their commit, by stream and key. */
  readonly #keysUnderWay = new Map<string, Promise<Appended>>();

  constructor(env: Environment, options: EmbeddedLogOptions) {
    this.traits = { durability: options.durability, shared: false, lossyWakes: false };
    this.#env = env;
    this.#table = new StreamTable(env, options.stateCapacity ?? STATE_CAPACITY);
    this.#commits = new GroupCommit(env, this.#table, options);
    this.#notes = new NoteSweep(env);
    this.#nowUnixMs = options.nowUnixMs;
  }

  append(stream: StreamName, record: NewRecord): Promise<Appended> {
    const state = this.#table.get(stream);
    if (record.dedupe !== undefined) return this.#appendOnce(state, record, record.dedupe.key);
    const refusal = this.#refusal(state, record);
    return refusal === undefined ? this.#commits.append(state, record) : Promise.reject(refusal);
  }

  async read(stream: StreamName, query: ReadQuery): Promise<LogPage> {
    return readPage(this.#env, this.#table.get(stream), query);
  }

  async ack(stream: StreamName, reader: ReaderName, position: Position): Promise<Mark> {
    const state = this.#table.get(stream);
    const mark = markOf(state, reader);
    if (position.offset > (lastOfEpoch(state, position.epoch) ?? 0)) {
      throw new MeshError("gap", "that position is not in this stream", {
        hint: "acknowledge only what was delivered to you",
      });
    }
    if (position.offset <= mark.offset) {
      // The call that moved it may still wait for its commit, or may have failed.
      if (state.dirtyMarks !== 0 || state.pins > 0) await this.#commits.marksSaved();
      return mark;
    }
    const moved = { epoch: state.epoch, offset: position.offset, atUnixMs: this.#nowUnixMs() };
    await this.#commits.moveMark(state, reader, moved);
    // It may be further by now, but that is not durable yet.
    return moved;
  }

  async acked(stream: StreamName, reader: ReaderName): Promise<Mark> {
    return markOf(this.#table.get(stream), reader);
  }

  async trim(stream: StreamName, beforeUnixMs: number): Promise<number> {
    const state = this.#table.get(stream);
    if (state.number === 0) return 0;
    const trimmed = await this.#inTurn(() => trimStream(this.#env, this.#commits, state, beforeUnixMs));
    if (trimmed > 0) await sweepNotes(this.#env, this.#commits, this.#notes);
    return trimmed;
  }

  watch(stream: StreamName, wake: Wake): () => void {
    const state = this.#table.get(stream);
    state.watchers.add(wake);
    return () => state.watchers.delete(wake);
  }

  async locate(id: string): Promise<{ stream: StreamName; position: Position } | undefined> {
    const found = findInCommits(this.#env, id);
    if (found === undefined) return undefined;
    const stream = this.#table.nameOf(found.stream);
    if (stream === undefined) return undefined;
    // Written, but not yet durable: nobody was told of it.
    if (found.position.offset > this.#table.get(stream).last) return undefined;
    return { stream, position: found.position };
  }

  async backlog(stream: StreamName): Promise<Backlog> {
    const state = this.#table.get(stream);
    state.ackedBytes = ackedBytes(this.#env, state);
    const settled = Math.max(markOf(state, "inbox").offset, state.first - 1);
    return { records: state.last - settled, bytes: state.totalBytes - state.ackedBytes };
  }

  copyTo(folder: string): Promise<void> {
    return this.#env.copyTo(folder);
  }

  rewrite(change: RecordChange): Promise<number> {
    return rewriteAll(this.#env, this.#commits, (work) => this.#inTurn(work), change);
  }

  forgetKeys(isMeant: (stream: StreamName, key: string) => boolean): Promise<void> {
    const isMeantHere = (stream: number, key: string) => isMeant(this.#table.nameOf(stream) ?? "", key);
    return forgetDedupes(this.#env, isMeantHere, (write) => this.#commits.write(write));
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#commits.close().then(() => this.#env.close());
    await this.#closed;
  }

  /** Trimming and rewriting change what is stored one at a time. */
  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#upkeep.then(work);
    this.#upkeep = done.then(
      () => undefined,
      () => undefined,
    );
    return done;
  }

  #appendOnce(state: StreamState, record: NewRecord, key: string): Promise<Appended> {
    const mapKey = `${state.name}\n${key}`;
    const underWay = this.#keysUnderWay.get(mapKey);
    if (underWay !== undefined) return underWay.then((first) => ({ ...first, duplicate: true }));
    const first = findDuplicate(this.#env, state, key, this.#nowUnixMs());
    if (first !== undefined) return Promise.resolve(first);
    const refusal = this.#refusal(state, record);
    if (refusal !== undefined) return Promise.reject(refusal);
    const appended = this.#commits.append(state, record);
    this.#keysUnderWay.set(mapKey, appended);
    const forget = (): void => {
      this.#keysUnderWay.delete(mapKey);
    };
    appended.then(forget, forget);
    return appended;
  }

  #refusal(state: StreamState, record: NewRecord): MeshError | undefined {
    if (record.bound === undefined) return undefined;
    const settled = Math.max(markOf(state, "inbox").offset, state.first - 1);
    const unread = state.last + state.queuedRecords - settled;
    if (unread < record.bound.records && this.#unreadBytes(state, record) <= record.bound.bytes)
      return undefined;
    return new MeshError("inbox_full", "the receiver has too many unread messages", {
      hint: "try again when it has read some",
      retryAfterS: 30,
    });
  }

  /** The acknowledged part is looked up anew only when the bound seems passed: it costs a read. */
  #unreadBytes(state: StreamState, record: NewRecord): number {
    const taken = state.totalBytes + state.queuedBytes + record.bytes.length;
    if (record.bound !== undefined && taken - state.ackedBytes > record.bound.bytes) {
      state.ackedBytes = ackedBytes(this.#env, state);
    }
    return taken - state.ackedBytes;
  }
}
