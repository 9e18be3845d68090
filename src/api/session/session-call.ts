import type { Call, Principal } from "../../model/principal.ts";

/** What the session's calls on the API have in common. Its signal is made at the first use: most sessions never need it. */
export class SessionCall implements Call {
  readonly principal: Principal;
  readonly remoteAddress: string;
  readonly traceparent?: string;
  #abort: AbortController | undefined;
  #hasEnded = false;

  constructor(principal: Principal, remoteAddress: string, traceparent: string | undefined) {
    this.principal = principal;
    this.remoteAddress = remoteAddress;
    if (traceparent !== undefined) this.traceparent = traceparent;
  }

  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#hasEnded) this.#abort.abort();
    }
    return this.#abort.signal;
  }

  /** The session is over. */
  end(): void {
    this.#hasEnded = true;
    this.#abort?.abort();
  }
}
