/** Counts what is open, calls or connections, so that a hub that stops can let it finish. */
export class OpenCount {
  #count = 0;
  #whenNone: (() => void) | undefined;

  /** Gives what to call at the end; calling it again changes nothing. */
  begin(): () => void {
    this.#count += 1;
    let hasEnded = false;
    return () => {
      if (hasEnded) return;
      hasEnded = true;
      this.#count -= 1;
      if (this.#count === 0) this.#whenNone?.();
    };
  }

  /** Answers when nothing is open, or after `limitMs`. */
  async none(limitMs: number): Promise<void> {
    if (this.#count === 0) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenNone = resolve;
    const timer = setTimeout(resolve, limitMs);
    await promise;
    clearTimeout(timer);
  }
}
