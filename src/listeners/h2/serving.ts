/** Whether the hub serves, and who waits for that to change. */
export class Serving {
  #isServing = false;
  #isOver = false;
  readonly #watchers = new Set<() => void>();

  get isServing(): boolean {
    return this.#isServing;
  }

  /** It has served, and never will again. */
  get isOver(): boolean {
    return this.#isOver;
  }

  set(isServing: boolean): void {
    this.#isOver ||= this.#isServing && !isServing;
    this.#isServing = isServing;
    for (const wake of this.#watchers) wake();
  }

  /** Waits for a change, or for the signal. */
  async change(signal: AbortSignal): Promise<void> {
    if (signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const wake = (): void => resolve();
    this.#watchers.add(wake);
    signal.addEventListener("abort", wake, { once: true });
    await promise;
    this.#watchers.delete(wake);
    signal.removeEventListener("abort", wake);
  }
}
