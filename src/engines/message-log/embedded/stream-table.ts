import type { Mark } from "../../../ports/message-log.ts";
import { bytesThrough, chunkBodyBytes, chunkHead } from "./chunk.ts";
import type { Environment } from "./environment.ts";
import { endedEpochs } from "./epochs.ts";
import { chunkKey, firstChunkKey, lastChunkKey, markKey, placeFromChunkKey, streamKey } from "./keys.ts";
import { isIdle, markOf, newStreamState, READERS, type StreamState } from "./stream-state.ts";

/** States of streams, loaded when first asked for; idle ones are forgotten beyond `capacity`. */
export class StreamTable {
  readonly #states = new Map<string, StreamState>();
  readonly #env: Environment;
  readonly #capacity: number;
  /** Size at which idle states are looked for again. */
  #forgetAt: number;
  #lastNumber: number;

  constructor(env: Environment, capacity: number) {
    this.#env = env;
    this.#capacity = capacity;
    this.#forgetAt = capacity;
    this.#lastNumber = highestNumber(env);
  }

  get(name: string): StreamState {
    const known = this.#states.get(name);
    if (known !== undefined) return known;
    const state = this.#load(name);
    // Before the new one is among them: its caller has not used it yet, so it looks idle.
    if (this.#states.size >= this.#forgetAt) this.#forgetIdle();
    this.#states.set(name, state);
    return state;
  }

  /** Gives a stream its number; the caller stores it in the commit of the first record. */
  assignNumber(state: StreamState): void {
    this.#lastNumber += 1;
    state.number = this.#lastNumber;
  }

  nameOf(number: number): string | undefined {
    return this.#env.names.get(streamKey(number))?.toString("utf8");
  }

  #load(name: string): StreamState {
    const number = this.#env.streams.get(name)?.readUInt32BE(0);
    if (number === undefined) return newStreamState(name, this.#env.epoch);
    const state = newStreamState(name, this.#env.epoch, endedEpochs(this.#env, number));
    state.number = number;
    this.#loadEnds(state);
    for (const [index, reader] of READERS.entries()) {
      const stored = this.#env.marks.get(markKey(state.number, index));
      if (stored !== undefined) state.marks[reader] = decodeMark(stored, state.epoch);
    }
    state.ackedBytes = ackedBytes(this.#env, state);
    return state;
  }

  #loadEnds(state: StreamState): void {
    const tail = this.#env.tails.get(streamKey(state.number));
    if (tail !== undefined) {
      state.last = tail.readDoubleLE(4);
      state.totalBytes = tail.readDoubleLE(12);
      state.first = state.last + 1;
    }
    const from = firstChunkKey(state.number);
    const to = lastChunkKey(state.number);
    for (const { key, value } of this.#env.chunks.getRange({
      start: to,
      end: from,
      reverse: true,
      limit: 1,
    })) {
      const { firstOffset } = placeFromChunkKey(key);
      const head = chunkHead(value);
      state.last = firstOffset + head.count - 1;
      state.totalBytes = head.bytesBefore + chunkBodyBytes(value);
    }
    for (const key of this.#env.chunks.getKeys({ start: from, end: to, limit: 1 })) {
      state.first = placeFromChunkKey(key).firstOffset;
    }
  }

  #forgetIdle(): void {
    const slack = Math.max(1, Math.floor(this.#capacity * 0.1));
    let excess = this.#states.size - (this.#capacity - slack);
    for (const [name, state] of this.#states) {
      if (excess <= 0) break;
      if (!isIdle(state)) continue;
      this.#states.delete(name);
      excess--;
    }
    // With most states in use, looking again at each new one would cost more than keeping a few.
    this.#forgetAt = Math.max(this.#capacity, this.#states.size + slack);
  }
}

/** Bytes of the stream up to the committed position of its reader `inbox`. */
export function ackedBytes(env: Environment, state: StreamState): number {
  const { offset } = markOf(state, "inbox");
  if (offset >= state.last) return state.totalBytes;
  const chunk = chunkAt(env, state, Math.max(offset, state.first));
  if (chunk === undefined) return state.totalBytes;
  if (offset < state.first) return chunkHead(chunk.value).bytesBefore;
  return bytesThrough(chunk.value, chunk.firstOffset, offset);
}

/** The chunk that holds the offset. */
export function chunkAt(
  env: Environment,
  state: StreamState,
  offset: number,
): { firstOffset: number; value: Buffer } | undefined {
  const start = chunkKey(state.number, offset);
  const exact = env.chunks.get(start);
  if (exact !== undefined) return { firstOffset: offset, value: exact };
  const range = { start, end: firstChunkKey(state.number), reverse: true, limit: 1 };
  for (const { key, value } of env.chunks.getRange(range)) {
    return { firstOffset: placeFromChunkKey(key).firstOffset, value };
  }
  return undefined;
}

export function encodeMark(mark: Mark): Buffer {
  const bytes = Buffer.allocUnsafeSlow(20);
  bytes.writeUInt32BE(mark.epoch, 0);
  bytes.writeDoubleLE(mark.offset, 4);
  bytes.writeDoubleLE(mark.atUnixMs, 12);
  return bytes;
}

/** A mark of an earlier epoch stands at the same record: marks are stored with what they stand in. */
function decodeMark(bytes: Buffer, epoch: number): Mark {
  return { epoch, offset: bytes.readDoubleLE(4), atUnixMs: bytes.readDoubleLE(12) };
}

function highestNumber(env: Environment): number {
  for (const key of env.names.getKeys({ reverse: true, limit: 1 })) return key.readUInt32BE(0);
  return 0;
}
