import { randomFillSync } from "node:crypto";

const UUID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const DIGITS = Buffer.from("0123456789abcdef", "latin1");
const VERSION_AT = 14;
const TAIL_AT = 18;
const POOL_BYTES = 8192;
const RANDOM_BYTES_PER_ID = 8;

/** The nil UUID (RFC 9562, section 5.9): a record that is not a message of its own, and is not looked for by id. */
export const NO_MESSAGE_ID = "00000000-0000-0000-0000-000000000000";

/**
 * The id of the record that points to an event, made of the event's own id: so that it is found by it, and is no other
 * message's id, a UUID of version 8 (RFC 9562, section 5.8).
 */
export function pointerIdFromMessageId(id: string): string {
  return `${id.slice(0, VERSION_AT)}8${id.slice(VERSION_AT + 1)}`;
}

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
  const pool = Buffer.alloc(POOL_BYTES);
  // Digits are set here and read as one flat text: joining the parts of a text takes twice as long.
  const text = Buffer.from("00000000-0000-7000-0000-000000000000", "latin1");
  let used = POOL_BYTES;
  let lastMs = 0;
  let counter = 0;
  return () => {
    const nowMs = nowUnixMs();
    if (nowMs > lastMs) {
      lastMs = nowMs;
      counter = 0;
      writeTime(text, lastMs);
    } else if (++counter > 0xfff) {
      lastMs += 1;
      counter = 0;
      writeTime(text, lastMs);
    }
    if (used === POOL_BYTES) {
      randomFillSync(pool);
      used = 0;
    }
    text[VERSION_AT + 1] = digit(counter >> 8);
    writeByte(text, VERSION_AT + 2, counter & 0xff);
    writeTail(text, pool, used);
    used += RANDOM_BYTES_PER_ID;
    return text.toString("latin1");
  };
}

function writeTime(text: Buffer, ms: number): void {
  const hex = ms.toString(16).padStart(12, "0");
  text.write(`${hex.slice(0, 8)}-${hex.slice(8)}`, 0, "latin1");
}

/** The variant (RFC 9562, section 4.1) and 62 random bits. */
function writeTail(text: Buffer, random: Buffer, at: number): void {
  writeByte(text, TAIL_AT + 1, ((random[at] ?? 0) & 0x3f) | 0x80);
  writeByte(text, TAIL_AT + 3, random[at + 1] ?? 0);
  for (let index = 2; index < RANDOM_BYTES_PER_ID; index++) {
    writeByte(text, TAIL_AT + 2 + index * 2, random[at + index] ?? 0);
  }
}

function writeByte(text: Buffer, at: number, byte: number): void {
  text[at] = digit(byte >> 4);
  text[at + 1] = digit(byte & 15);
}

function digit(value: number): number {
  return DIGITS[value] ?? 0;
}
