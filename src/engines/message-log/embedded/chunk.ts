import type { LogRecord } from "../../../ports/message-log.ts";
import { ID_BYTES, idFromBytes, writeId } from "./keys.ts";

/**
 * A chunk: the records that one commit appends to one stream, stored as one value, so that a commit costs one
 * write per stream and not one per record.
 *
 * Layout: u8 version, f64 stored time, f64 bytes of the stream before it, u32 count, count × u32 length,
 * count × 16-byte id, then the records' bytes one after another. Little-endian.
 */
const VERSION = 1;
const HEAD_BYTES = 21;
const LENGTH_BYTES = 4;

export interface ChunkHead {
  readonly storedUnixMs: number;
  /** Bytes of all records of the stream before this chunk, trimmed ones included. */
  readonly bytesBefore: number;
  readonly count: number;
}

export interface ChunkEntry {
  readonly id: string;
  readonly bytes: Uint8Array;
}

export function encodeChunk(head: Omit<ChunkHead, "count">, entries: readonly ChunkEntry[]): Buffer {
  const bodyStart = HEAD_BYTES + entries.length * (LENGTH_BYTES + ID_BYTES);
  let total = bodyStart;
  for (const entry of entries) total += entry.bytes.length;
  const chunk = Buffer.allocUnsafeSlow(total);
  chunk[0] = VERSION;
  chunk.writeDoubleLE(head.storedUnixMs, 1);
  chunk.writeDoubleLE(head.bytesBefore, 9);
  chunk.writeUInt32LE(entries.length, 17);
  const idsStart = HEAD_BYTES + entries.length * LENGTH_BYTES;
  let at = bodyStart;
  for (const [index, entry] of entries.entries()) {
    chunk.writeUInt32LE(entry.bytes.length, HEAD_BYTES + index * LENGTH_BYTES);
    writeId(chunk, idsStart + index * ID_BYTES, entry.id);
    chunk.set(entry.bytes, at);
    at += entry.bytes.length;
  }
  return chunk;
}

/** @throws Error when the chunk is of another version: the data directory is damaged or newer */
export function chunkHead(chunk: Buffer): ChunkHead {
  if (chunk[0] !== VERSION) throw new Error(`a chunk of the log has version ${chunk[0]}, not ${VERSION}`);
  return {
    storedUnixMs: chunk.readDoubleLE(1),
    bytesBefore: chunk.readDoubleLE(9),
    count: chunk.readUInt32LE(17),
  };
}

/** Bytes of all records of the chunk. */
export function chunkBodyBytes(chunk: Buffer): number {
  return chunk.length - HEAD_BYTES - chunkHead(chunk).count * (LENGTH_BYTES + ID_BYTES);
}

/** Records of the chunk, in order of offset, from `fromOffset` to `toOffset`, both included. Views, not copies. */
export function recordsOfChunk(
  chunk: Buffer,
  place: { readonly epoch: number; readonly firstOffset: number },
  fromOffset: number,
  toOffset: number,
): LogRecord[] {
  const { count } = chunkHead(chunk);
  const records: LogRecord[] = [];
  let at = HEAD_BYTES + count * (LENGTH_BYTES + ID_BYTES);
  for (let index = 0; index < count; index++) {
    const length = chunk.readUInt32LE(HEAD_BYTES + index * LENGTH_BYTES);
    const offset = place.firstOffset + index;
    if (offset > toOffset) break;
    if (offset >= fromOffset) {
      records.push({ epoch: place.epoch, offset, bytes: chunk.subarray(at, at + length) });
    }
    at += length;
  }
  return records;
}

/** The ids of the chunk's records, in their order. */
export function idsOfChunk(chunk: Buffer): string[] {
  const { count } = chunkHead(chunk);
  const idsStart = HEAD_BYTES + count * LENGTH_BYTES;
  return Array.from({ length: count }, (_, index) => idFromBytes(chunk, idsStart + index * ID_BYTES));
}

/** Bytes of the stream up to and with `offset`, which is in the chunk. */
export function bytesThrough(chunk: Buffer, firstOffset: number, offset: number): number {
  let sum = chunkHead(chunk).bytesBefore;
  for (let index = 0; index <= offset - firstOffset; index++) {
    sum += chunk.readUInt32LE(HEAD_BYTES + index * LENGTH_BYTES);
  }
  return sum;
}

/** The place of an id within the chunk; -1 when it is not there. */
export function indexOfId(chunk: Buffer, id: Buffer): number {
  const { count } = chunkHead(chunk);
  const idsStart = HEAD_BYTES + count * LENGTH_BYTES;
  for (let index = 0; index < count; index++) {
    const at = idsStart + index * ID_BYTES;
    if (chunk.compare(id, 0, ID_BYTES, at, at + ID_BYTES) === 0) return index;
  }
  return -1;
}
