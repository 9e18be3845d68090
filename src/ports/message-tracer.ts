import type { LogRecord, StreamName } from "./message-log.ts";

/** What a message goes to. */
export type Destination = "inbox" | "channel";

/** What is known of a send when its span begins. */
export interface TracedSend {
  readonly destination: Destination;
  readonly payloadBytes: number;
  /** The sender's own, if it gave one. */
  readonly traceparent: string | undefined;
}

/**
 * Follows messages through the hub, if the operator wants that; otherwise there is none. A message carries its place in
 * the trace in its header, so that the trace goes on in another process, or after a restart. Nothing here throws by
 * itself, waits, or keeps more than a bounded memory.
 */
export interface MessageTracer {
  /** Runs a send as a span; `run` gets the traceparent that the message is to carry from here on. */
  send<Sent extends { readonly messageId: string }>(
    send: TracedSend,
    run: (traceparent: string) => Promise<Sent>,
  ): Promise<Sent>;
  /** Runs the append of an encoded message as a span. */
  append<Appended>(stream: StreamName, bytes: Uint8Array, run: () => Promise<Appended>): Promise<Appended>;
  /** Messages of an inbox were handed to a reader. */
  handed(stream: StreamName, records: readonly LogRecord[]): void;
  /** The reader acknowledged them, in a call that began then. */
  acknowledged(stream: StreamName, records: readonly LogRecord[], sinceUnixMs: number): void;
}
