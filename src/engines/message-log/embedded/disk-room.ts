import type { MeshError } from "../../../model/errors.ts";
import type { Batch } from "./batch-writer.ts";
import { freeBytes, storageFull } from "./disk-full.ts";

/** Left free beside what a commit writes; writes that also free space may use more of it. */
const APPEND_RESERVE_BYTES = 16_777_216;
const OTHER_RESERVE_BYTES = 4_194_304;
/** An answer of the disk counts for this long, less what was written meanwhile. */
const FRESH_MS = 50;
/** A put rewrites its leaf and some of the way to it. */
const TOUCHED_BYTES = 16_384;

/**
 * Says before a commit whether the disk takes it. LMDB 3.5 damages its heap when a write fails for want of room, so
 * it must not come to that.
 */
export class DiskRoom {
  #freeBytes = 0;
  #askedAtMs = Number.NEGATIVE_INFINITY;
  readonly #path: string;
  readonly #unusedBytes: () => number;

  /** `unusedBytes`: pages of the file that are free to be written again. */
  constructor(path: string, unusedBytes: () => number) {
    this.#path = path;
    this.#unusedBytes = unusedBytes;
  }

  /** Why the appends of the batch cannot be written now. */
  refusal(batch: Batch): MeshError | undefined {
    const need = neededBytes(batch);
    const reserve = batch.appends.length > 0 ? APPEND_RESERVE_BYTES : OTHER_RESERVE_BYTES;
    const nowMs = performance.now();
    if (nowMs - this.#askedAtMs > FRESH_MS || this.#freeBytes < need + reserve) {
      this.#freeBytes = freeBytes(this.#path);
      this.#askedAtMs = nowMs;
    }
    if (this.#freeBytes < need + reserve && !this.#fitsIntoFile(need)) return storageFull();
    this.#freeBytes -= need;
    return undefined;
  }

  /** Free pages lie scattered, so the file may still grow a little. */
  #fitsIntoFile(need: number): boolean {
    return this.#freeBytes > OTHER_RESERVE_BYTES && this.#unusedBytes() > 4 * need;
  }
}

function neededBytes(batch: Batch): number {
  let bytes = (batch.groups.size + batch.marks.size + batch.others.length) * TOUCHED_BYTES;
  for (const { record } of batch.appends) {
    bytes += record.bytes.length + (record.dedupe === undefined ? 64 : TOUCHED_BYTES);
  }
  return bytes;
}
