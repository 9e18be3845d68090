/** Lets clients talk to the hub while it runs, and tells them when the round is over. */
export class Gate {
  #open: PromiseWithResolvers<void> | undefined = Promise.withResolvers<void>();
  #isOver = false;
  readonly #ended = Promise.withResolvers<void>();

  /** Everybody may connect. */
  open(): void {
    this.#open?.resolve();
    this.#open = undefined;
  }

  shut(): void {
    this.#open ??= Promise.withResolvers<void>();
  }

  /** Writers finish what they owe, readers leave. */
  end(): void {
    this.#isOver = true;
    this.#ended.resolve();
    this.open();
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  get ended(): Promise<void> {
    return this.#ended.promise;
  }

  /** Waits while the hub is down; false when the round is over and the writer owes no repeat of a keyed message. */
  async isOpenFor(writer: { readonly owesRepeats: boolean }): Promise<boolean> {
    while (this.#open !== undefined) await this.#open.promise;
    return !this.#isOver || writer.owesRepeats;
  }

  /** Waits while the hub is down; false when the round is over. */
  async isOpen(): Promise<boolean> {
    while (this.#open !== undefined) await this.#open.promise;
    return !this.#isOver;
  }
}
