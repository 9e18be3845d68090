import { NO_MESSAGE_ID } from "../../../model/message-id.ts";
import type { Pending } from "./append-queue.ts";
import { encodeChunk } from "./chunk.ts";
import { type ChunkRef, CommitNotes } from "./commit-index.ts";
import { pruneDedupes, putDedupe } from "./dedupe.ts";
import type { Environment } from "./environment.ts";
import { chunkKey, markKey, streamKey } from "./keys.ts";
import { dirtyReaders, markOf, READERS, type StreamState } from "./stream-state.ts";
import { encodeMark, type StreamTable } from "./stream-table.ts";

const MAX_CHUNK_RECORDS = 256;
const MAX_CHUNK_BYTES = 65_536;

/** A task of another part of the engine that shares a commit, e.g. trimming. */
export interface OtherWrite {
  readonly write: () => void;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/** What one commit holds. */
export interface Batch {
  readonly appends: readonly Pending[];
  readonly groups: ReadonlyMap<StreamState, readonly Pending[]>;
  /** Streams with moved marks. */
  readonly marks: ReadonlySet<StreamState>;
  readonly others: readonly OtherWrite[];
  /** Since when, at most, the oldest append waits. */
  readonly sinceMs: number;
}

/** Issues the puts of a batch and gives its records their offsets. Throws only by mistake: see Environment.commit. */
export function writeBatch(env: Environment, table: StreamTable, batch: Batch, nowUnixMs: number): void {
  const dedupes = batch.appends.reduce((sum, { record }) => (record.dedupe === undefined ? sum : sum + 1), 0);
  if (dedupes > 0) pruneDedupes(env, dedupes, nowUnixMs);
  const notes = new CommitNotes();
  for (const [state, group] of batch.groups) {
    nameStream(env, table, state);
    for (const [index, pending] of group.entries()) {
      pending.offset = state.last + 1 + index;
      putDedupe(env, state, pending.record, { offset: pending.offset, nowUnixMs });
    }
    writeChunks(env, state, group, { nowUnixMs, notes });
  }
  notes.put(env);
  for (const state of batch.marks) writeMarks(env, state);
  for (const other of batch.others) other.write();
}

function nameStream(env: Environment, table: StreamTable, state: StreamState): void {
  if (state.number !== 0) return;
  table.assignNumber(state);
  const number = streamKey(state.number);
  env.streams.put(state.name, number);
  env.names.put(number, Buffer.from(state.name, "utf8"));
}

function writeChunks(
  env: Environment,
  state: StreamState,
  group: readonly Pending[],
  commit: { readonly nowUnixMs: number; readonly notes: CommitNotes },
): void {
  let bytesBefore = state.totalBytes;
  for (let start = 0; start < group.length; ) {
    const end = endOfChunk(group, start);
    const records = group.slice(start, end).map((pending) => pending.record);
    const ref: ChunkRef = { stream: state.number, firstOffset: state.last + 1 + start };
    const key = chunkKey(ref.stream, ref.firstOffset);
    env.chunks.put(key, encodeChunk({ storedUnixMs: commit.nowUnixMs, bytesBefore }, records));
    for (const record of records) {
      if (record.id !== NO_MESSAGE_ID) commit.notes.add(record.id, ref);
      bytesBefore += record.bytes.length;
    }
    start = end;
  }
}

function endOfChunk(group: readonly Pending[], start: number): number {
  let bytes = 0;
  let end = start;
  for (; end < group.length && end - start < MAX_CHUNK_RECORDS; end++) {
    bytes += group[end]?.record.bytes.length ?? 0;
    if (bytes > MAX_CHUNK_BYTES && end > start) break;
  }
  return end;
}

function writeMarks(env: Environment, state: StreamState): void {
  if (state.number === 0) return;
  for (const reader of dirtyReaders(state)) {
    env.marks.put(markKey(state.number, READERS.indexOf(reader)), encodeMark(markOf(state, reader)));
  }
  state.dirtyMarks = 0;
}
