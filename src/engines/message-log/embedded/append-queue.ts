import type { Priority } from "../../../model/envelope.ts";
import { MeshError } from "../../../model/errors.ts";
import type { Appended, NewRecord } from "../../../ports/message-log.ts";
import type { StreamState } from "./stream-state.ts";

const MAX_COMMIT_RECORDS = 8192;
const MAX_COMMIT_BYTES = 8_388_608;
/** Waiting beyond this, more is refused: the disk is slower than the senders. */
const QUEUE_LIMITS = { bytes: 268_435_456, records: 500_000 };
/** How full the queue may be for a record of each priority: when the disk falls behind, the low ones wait first. */
const SHARES: Readonly<Record<Priority, number>> = { low: 0.5, normal: 0.8, high: 1 };

/** An append that waits for its commit. */
export interface Pending {
  readonly state: StreamState;
  readonly record: NewRecord;
  readonly resolve: (appended: Appended) => void;
  readonly reject: (error: MeshError) => void;
  /** Given when the commit is put together. */
  offset: number;
}

/** Appends in the order of their calls. */
export class AppendQueue {
  #waiting: Pending[] = [];
  #bytes = 0;
  /** When the one in front came, or earlier: after a commit that took a part it is not known. */
  #sinceMs = 0;
  readonly #limits: { readonly bytes: number; readonly records: number };

  constructor(limits: { readonly bytes: number; readonly records: number } = QUEUE_LIMITS) {
    this.#limits = limits;
  }

  get length(): number {
    return this.#waiting.length;
  }

  get bytes(): number {
    return this.#bytes;
  }

  /** Since when, at most, the one in front waits. */
  get sinceMs(): number {
    return this.#sinceMs;
  }

  /** @throws MeshError unavailable, as a rejection, when too much is waiting */
  push(state: StreamState, record: NewRecord): Promise<Appended> {
    const share = SHARES[record.priority ?? "normal"];
    if (this.#bytes > this.#limits.bytes * share || this.#waiting.length >= this.#limits.records * share) {
      return Promise.reject(
        new MeshError("unavailable", "more is being sent than the disk can take", {
          hint: "send again a little later",
          retryAfterS: 1,
        }),
      );
    }
    if (this.#waiting.length === 0) this.#sinceMs = performance.now();
    state.queuedRecords += 1;
    state.queuedBytes += record.bytes.length;
    this.#bytes += record.bytes.length;
    return new Promise((resolve, reject) => {
      this.#waiting.push({ state, record, resolve, reject, offset: 0 });
    });
  }

  takeAll(): Pending[] {
    const taken = this.#waiting;
    this.#waiting = [];
    this.#bytes = 0;
    return taken;
  }

  /** As much from the front as one commit takes. */
  take(): Pending[] {
    let bytes = 0;
    let count = 0;
    for (const pending of this.#waiting) {
      if (count >= MAX_COMMIT_RECORDS || (count > 0 && bytes > MAX_COMMIT_BYTES)) break;
      bytes += pending.record.bytes.length;
      count++;
    }
    const isAll = count === this.#waiting.length;
    const taken = isAll ? this.#waiting : this.#waiting.slice(0, count);
    this.#waiting = isAll ? [] : this.#waiting.slice(count);
    this.#bytes -= bytes;
    return taken;
  }
}
