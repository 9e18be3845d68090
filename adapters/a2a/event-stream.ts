import { eventStream, eventText, type SentEvent } from "../../src/adapter-kit.ts";

/** One server-sent event of a stream of A2A. */
export interface StreamEvent {
  /** Absent = a message. */
  readonly event?: "error";
  readonly data: string;
  /** Sequence that the client can go on from. */
  readonly sequence?: number | undefined;
}

export interface EventStreamOptions {
  readonly heartbeatMs: number;
  /** Turns what ends the stream early into what its reader is told. */
  readonly errorEvent: (thrown: unknown) => StreamEvent;
}

/** Events as bytes; the next one is pulled when the client took the last. Ends `events` when it ends. */
export function bytesFromEvents(
  events: AsyncGenerator<StreamEvent, void, undefined>,
  { heartbeatMs, errorEvent }: EventStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  return eventStream(events, {
    heartbeatMs,
    textOf: (event) => eventText(sentFromStream(event)),
    failure: (thrown) => sentFromStream(errorEvent(thrown)),
    // Not awaited: a pull that is under way ends when the caller's signal does.
    end: () => void events.return(undefined).catch(() => undefined),
  });
}

function sentFromStream({ event, data, sequence }: StreamEvent): SentEvent {
  return { event, data, id: sequence === undefined ? undefined : String(sequence) };
}
