/**
 * Keys of the embedded log, all binary, big-endian, so that LMDB's byte order is the order of offsets and times.
 */
const UUID_HEX_START: readonly number[] = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34];
const MAX_U48 = 0xffff_ffff_ffff;

export const ID_BYTES = 16;
const CHUNK_KEY_BYTES = 14;
/**
 * What stands in keys where format 1 had the epoch. Offsets go on through all epochs of a stream (epochs.ts), so a
 * chunk is found by its offset alone.
 */
const KEY_EPOCH = 1;

/** Stream number, offset of the chunk's first record. */
export function chunkKey(stream: number, firstOffset: number): Buffer {
  const key = Buffer.allocUnsafe(CHUNK_KEY_BYTES);
  key.writeUInt32BE(stream, 0);
  key.writeUInt32BE(KEY_EPOCH, 4);
  key.writeUIntBE(firstOffset, 8, 6);
  return key;
}

export function firstChunkKey(stream: number): Buffer {
  return chunkKey(stream, 0);
}

/** Behind every chunk of the stream. */
export function lastChunkKey(stream: number): Buffer {
  return chunkKey(stream, MAX_U48);
}

export function placeFromChunkKey(key: Buffer): { stream: number; firstOffset: number } {
  return { stream: key.readUInt32BE(0), firstOffset: key.readUIntBE(8, 6) };
}

/** Stream number, an epoch that has ended. */
export function epochKey(stream: number, epoch: number): Buffer {
  const key = Buffer.allocUnsafe(8);
  key.writeUInt32BE(stream, 0);
  key.writeUInt32BE(epoch, 4);
  return key;
}

export function epochFromKey(key: Buffer): number {
  return key.readUInt32BE(4);
}

export function markKey(stream: number, reader: number): Buffer {
  const key = Buffer.allocUnsafe(5);
  key.writeUInt32BE(stream, 0);
  key[4] = reader;
  return key;
}

export function streamKey(stream: number): Buffer {
  const key = Buffer.allocUnsafe(4);
  key.writeUInt32BE(stream, 0);
  return key;
}

export function dedupeKey(stream: number, key: string): Buffer {
  const text = Buffer.from(key, "utf8");
  return Buffer.concat([streamKey(stream), text]);
}

/** Sorts by expiry, so that what is due stands in front. */
export function dedupeExpiryKey(expiresUnixMs: number, dedupe: Buffer): Buffer {
  const time = Buffer.allocUnsafe(6);
  time.writeUIntBE(expiresUnixMs, 0, 6);
  return Buffer.concat([time, dedupe]);
}

/** Writes the 16 bytes of a UUID text. */
export function writeId(target: Buffer, at: number, id: string): void {
  for (let index = 0; index < ID_BYTES; index++) {
    const hex = UUID_HEX_START[index] ?? 0;
    target[at + index] = (nibble(id.charCodeAt(hex)) << 4) | nibble(id.charCodeAt(hex + 1));
  }
}

export function idBytes(id: string): Buffer {
  const bytes = Buffer.allocUnsafe(ID_BYTES);
  writeId(bytes, 0, id);
  return bytes;
}

export function idFromBytes(bytes: Buffer, at = 0): string {
  const hex = bytes.toString("hex", at, at + ID_BYTES);
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-${hex.slice(12, 16)}-${hex.slice(16, 20)}-${hex.slice(20)}`;
}

function nibble(charCode: number): number {
  return charCode <= 0x39 ? charCode - 0x30 : (charCode | 0x20) - 0x57;
}
