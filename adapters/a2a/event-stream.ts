import type { HttpResponse } from "../../src/adapter-kit.ts";

/** How long a browser waits before it connects again. */
const RETRY_MS = 3_000;
const HEARTBEAT = Buffer.from(":\n\n");

export const EVENT_STREAM_HEADERS: HttpResponse["headers"] = Object.freeze({
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  // Proxies of nginx's kind would gather events before they pass them on.
  "x-accel-buffering": "no",
});

/** One server-sent event. */
export interface StreamEvent {
  /** Absent = a message. */
  readonly event?: "error";
  /** One line. */
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
export async function* bytesFromEvents(
  events: AsyncGenerator<StreamEvent, void, undefined>,
  { heartbeatMs, errorEvent }: EventStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    let preamble = `retry: ${RETRY_MS}\n`;
    for (;;) {
      const next = events.next();
      let result = await within(next, heartbeatMs);
      while (result === undefined) {
        yield HEARTBEAT;
        result = await within(next, heartbeatMs);
      }
      if (result.done === true) return;
      yield Buffer.from(preamble + eventText(result.value));
      preamble = "";
    }
  } catch (thrown) {
    yield Buffer.from(eventText(errorEvent(thrown)));
  } finally {
    // Not awaited: a pull that is under way ends when the caller's signal does.
    void events.return(undefined).catch(() => undefined);
  }
}

function eventText({ event, data, sequence }: StreamEvent): string {
  const name = event === undefined ? "" : `event: ${event}\n`;
  const id = sequence === undefined ? "" : `id: ${sequence}\n`;
  return `${name}${id}data: ${data}\n\n`;
}

/** What the promise gives; undefined when it takes longer. */
async function within<T>(promise: Promise<T>, ms: number): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(resolve, ms, undefined);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}
