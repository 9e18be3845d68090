import { chunkHead } from "./chunk.ts";
import type { NoteSweep } from "./commit-index.ts";
import type { Environment } from "./environment.ts";
import type { GroupCommit } from "./group-commit.ts";
import { firstChunkKey, lastChunkKey, placeFromChunkKey, streamKey } from "./keys.ts";
import type { StreamState } from "./stream-state.ts";

/** A step reads what it removes, between other calls: keep it short. */
const STEP_CHUNKS = 256;
const STEP_BYTES = 4_194_304;
const STEP_NOTES = 256;

/** Removes whole chunks that were stored before the time, oldest first; gives how many records went. */
export async function trimStream(
  env: Environment,
  commits: GroupCommit,
  state: StreamState,
  beforeUnixMs: number,
): Promise<number> {
  let trimmed = 0;
  for (;;) {
    const { keys, next } = dueChunks(env, state, beforeUnixMs);
    if (keys.length === 0) return trimmed;
    state.pins += 1;
    try {
      await commits.write(() => removeChunks(env, state, keys, next));
    } finally {
      state.pins -= 1;
    }
    // Another call may have trimmed further meanwhile.
    trimmed += Math.max(0, next - state.first);
    state.first = Math.max(state.first, next);
  }
}

/** Removes a part of the notes by which ids are found, where all their chunks are gone. */
export async function sweepNotes(env: Environment, commits: GroupCommit, notes: NoteSweep): Promise<void> {
  const keys = notes.next(STEP_NOTES);
  if (keys.length === 0) return;
  await commits.write(() => {
    for (const key of keys) env.commits.remove(key);
  });
}

function dueChunks(
  env: Environment,
  state: StreamState,
  beforeUnixMs: number,
): { keys: Buffer[]; next: number } {
  const keys: Buffer[] = [];
  let next = state.first;
  let bytes = 0;
  const range = { start: firstChunkKey(state.number), end: lastChunkKey(state.number), limit: STEP_CHUNKS };
  for (const { key, value } of env.chunks.getRange(range)) {
    const { firstOffset } = placeFromChunkKey(key);
    const head = chunkHead(value);
    // Beyond `last` is what a commit under way has written but not yet answered.
    if (head.storedUnixMs >= beforeUnixMs || firstOffset > state.last || bytes > STEP_BYTES) break;
    keys.push(Buffer.from(key));
    next = firstOffset + head.count;
    bytes += value.length;
  }
  return { keys, next };
}

function removeChunks(env: Environment, state: StreamState, keys: readonly Buffer[], next: number): void {
  for (const key of keys) env.chunks.remove(key);
  if (next <= state.last) return;
  const tail = Buffer.allocUnsafeSlow(20);
  tail.writeUInt32BE(state.epoch, 0);
  tail.writeDoubleLE(state.last, 4);
  tail.writeDoubleLE(state.totalBytes, 12);
  env.tails.put(streamKey(state.number), tail);
}
