import { createHash } from "node:crypto";
import type { Appended, NewRecord } from "../../../ports/message-log.ts";
import type { Environment } from "./environment.ts";
import { dedupeExpiryKey, dedupeKey, ID_BYTES, idFromBytes, writeId } from "./keys.ts";
import type { StreamState } from "./stream-state.ts";

const ENTRY_BYTES = ID_BYTES + 4 + 8 + 8;
/** Removing two for each that is added keeps the table at the size of one window. */
const PRUNED_PER_INSERT = 2;
/** Longer keys stand as their hash: LMDB takes keys of at most 1978 bytes. */
const MAX_PLAIN_CHARS = 256;
const STEP_KEYS = 1000;
const MAX_UNIX_MS = 0xffff_ffff_ffff;

/** The first message of a dedupe key, while its window lasts. */
export function findDuplicate(
  env: Environment,
  state: StreamState,
  key: string,
  nowUnixMs: number,
): Appended | undefined {
  if (state.number === 0) return undefined;
  const entry = env.dedupes.get(dedupeKey(state.number, storedKey(key)));
  if (entry === undefined || entry.readDoubleLE(ID_BYTES + 12) <= nowUnixMs) return undefined;
  return {
    id: idFromBytes(entry),
    epoch: state.epoch,
    offset: entry.readDoubleLE(ID_BYTES + 4),
    duplicate: true,
  };
}

/** Writes the key beside its record, in the same transaction. */
export function putDedupe(
  env: Environment,
  state: StreamState,
  record: NewRecord,
  place: { readonly offset: number; readonly nowUnixMs: number },
): void {
  if (record.dedupe === undefined) return;
  const expiresUnixMs = Math.min(MAX_UNIX_MS, Math.ceil(place.nowUnixMs + record.dedupe.windowMs));
  const key = dedupeKey(state.number, storedKey(record.dedupe.key));
  const entry = Buffer.allocUnsafeSlow(ENTRY_BYTES);
  writeId(entry, 0, record.id);
  entry.writeUInt32LE(state.epoch, ID_BYTES);
  entry.writeDoubleLE(place.offset, ID_BYTES + 4);
  entry.writeDoubleLE(expiresUnixMs, ID_BYTES + 12);
  env.dedupes.put(key, entry);
  env.dedupeExpiries.put(dedupeExpiryKey(expiresUnixMs, key), Buffer.of(1));
}

/**
 * Removes keys whose window has passed: up to twice as many as are added. Comes before the puts of a commit, which
 * it does not see: a key that is used again keeps its new entry.
 */
export function pruneDedupes(env: Environment, added: number, nowUnixMs: number): void {
  const due = dedupeExpiryKey(Math.floor(nowUnixMs), Buffer.alloc(0));
  for (const expiry of env.dedupeExpiries.getKeys({ end: due, limit: added * PRUNED_PER_INSERT })) {
    const key = expiry.subarray(6);
    const entry = env.dedupes.get(key);
    // A key that was used again after its window has a newer entry, which stays.
    if (entry !== undefined && entry.readDoubleLE(ID_BYTES + 12) <= nowUnixMs) env.dedupes.remove(key);
    env.dedupeExpiries.remove(expiry);
  }
}

interface FoundKey {
  readonly key: Buffer;
  readonly expiry: Buffer;
}

/** Removes the keys that are meant, step by step; `commit` runs its work within a commit. */
export async function forgetDedupes(
  env: Environment,
  isMeant: (stream: number, key: string) => boolean,
  commit: (write: () => void) => Promise<void>,
): Promise<void> {
  for (let from: Buffer | undefined = Buffer.alloc(0); from !== undefined; ) {
    const found: FoundKey[] = [];
    const start: Buffer = from;
    let seen = 0;
    from = undefined;
    for (const { key, value } of env.dedupes.getRange(start.length === 0 ? {} : { start })) {
      if (seen === STEP_KEYS) {
        from = Buffer.from(key);
        break;
      }
      seen += 1;
      if (!isMeant(key.readUInt32BE(0), key.toString("utf8", 4))) continue;
      const kept = Buffer.from(key);
      found.push({ key: kept, expiry: dedupeExpiryKey(value.readDoubleLE(ID_BYTES + 12), kept) });
    }
    if (found.length > 0) await commit(() => removeKeys(env, found));
    await new Promise(setImmediate);
  }
}

function removeKeys(env: Environment, found: readonly FoundKey[]): void {
  for (const { key, expiry } of found) {
    env.dedupes.remove(key);
    env.dedupeExpiries.remove(expiry);
  }
}

function storedKey(key: string): string {
  return key.length <= MAX_PLAIN_CHARS ? key : `\0${createHash("sha256").update(key).digest("base64")}`;
}
