import type { Answer } from "./answer.ts";

/** Where an inbox's messages come from, until it breaks. One reader. */
export interface InboxSource {
  /**
   * Messages in order, one batch after the other; what is not taken yet waits at the hub.
   * Ends when the connection does; @throws CliError when the hub says why.
   */
  batches(): AsyncIterable<readonly Answer[]>;
  /** Everything up to the cursor was handled. */
  ack(cursor: string): Promise<void>;
  /** Gives acks that are under way a moment to become durable. Never rejects. */
  close(): Promise<void>;
}

export interface InboxSourceOptions {
  /** After this; undefined = after the committed ack. */
  readonly cursor: string | undefined;
  readonly signal: AbortSignal;
}
