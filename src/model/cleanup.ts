/** What was opened, closed in the opposite order. Node 22 has no AsyncDisposableStack. */
export class Cleanup implements AsyncDisposable {
  readonly #steps: (() => void | PromiseLike<void>)[] = [];

  use<Resource extends AsyncDisposable>(resource: Resource): Resource {
    this.defer(() => resource[Symbol.asyncDispose]());
    return resource;
  }

  defer(step: () => void | PromiseLike<void>): void {
    this.#steps.push(step);
  }

  /** Runs every step, also after one that fails; throws the first failure at the end. */
  async [Symbol.asyncDispose](): Promise<void> {
    let failure: { readonly thrown: unknown } | undefined;
    for (let step = this.#steps.pop(); step !== undefined; step = this.#steps.pop()) {
      try {
        await step();
      } catch (thrown) {
        failure ??= { thrown };
      }
    }
    if (failure !== undefined) throw failure.thrown;
  }
}
