import { randomFillSync } from "node:crypto";

const UUID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const HEX: readonly string[] = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));
const POOL_BYTES = 8192;
const RANDOM_BYTES_PER_ID = 8;

/** Whether `text` is a UUID in lower case with hyphens. */
export function isUuid(text: string): boolean {
  return text.length === 36 && UUID_PATTERN.test(text);
}

/** When the id was made, in ms since the Unix epoch (RFC 9562, section 5.7). */
export function unixMsFromMessageId(id: string): number {
  return Number.parseInt(id.slice(0, 8) + id.slice(9, 13), 16);
}

/**
 * Makes UUIDv7 (RFC 9562, section 5.7): ids of one maker rise strictly, also when the clock stands still or
 * jumps back; the 12 bits after the time count within a millisecond and run into the time when they overflow.
 */
export function createMessageIds(nowUnixMs: () => number): () => string {
  const pool = new Uint8Array(POOL_BYTES);
  let used = POOL_BYTES;
  let lastMs = 0;
  let counter = 0;
  let head = "";
  return () => {
    const nowMs = nowUnixMs();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      counter = 0;
      head = headFromMs(lastMs);
    } else if (++counter > 0xfff) {
      lastMs += 1;
      counter = 0;
      head = headFromMs(lastMs);
    }
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    const tail = tailFromRandom(pool, used);
    used += RANDOM_BYTES_PER_ID;
    return `${head}7${HEX[counter >> 4]}${((counter & 15) as number).toString(16)}-${tail}`;
  };
}

function headFromMs(ms: number): string {
  const hex = ms.toString(16).padStart(12, "0");
  return `${hex.slice(0, 8)}-${hex.slice(8)}-`;
}

function tailFromRandom(pool: Uint8Array, at: number): string {
  const byte = (index: number): string => HEX[pool[at + index] ?? 0] ?? "00";
  const variant = HEX[((pool[at] ?? 0) & 0x3f) | 0x80] ?? "80";
  return `${variant}${byte(1)}-${byte(2)}${byte(3)}${byte(4)}${byte(5)}${byte(6)}${byte(7)}`;
}
