export interface Flushable {
  /** Must not throw. */
  flush(): void;
}

/**
 * Writes out, once at the end of each turn of the event loop, what was queued in it. A group commit wakes many
 * senders in one turn; this way each socket is written to once for all of them.
 */
export class FlushQueue {
  #waiting: Flushable[] = [];
  #spare: Flushable[] = [];
  readonly #run = () => this.#flushAll();

  /** Each one at most once before its flush. */
  add(item: Flushable): void {
    if (this.#waiting.push(item) === 1) setImmediate(this.#run);
  }

  #flushAll(): void {
    const due = this.#waiting;
    this.#waiting = this.#spare;
    for (const item of due) item.flush();
    due.length = 0;
    this.#spare = due;
  }
}
