/** How long a browser waits before it connects again. */
const RETRY = "retry: 3000\n";
const HEARTBEAT = Buffer.from(":\n\n");

/** Proxies and browsers take a connection for dead that is silent for longer: many give it half a minute. */
export const HEARTBEAT_MS = 15_000;

export const EVENT_STREAM_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  "content-type": "text/event-stream",
  "cache-control": "no-store",
  // Proxies of nginx's kind would gather events before they pass them on.
  "x-accel-buffering": "no",
});

/** One server-sent event. */
export interface SentEvent {
  /** Absent = a message. */
  readonly event?: string | undefined;
  readonly id?: string | undefined;
  readonly data: string;
}

export interface EventStreamForm<Item> {
  /** Events that go out before anything is pulled; undefined = there are none, and the client hears nothing until then. */
  readonly opening?: string;
  /** An item as events. */
  readonly textOf: (item: Item) => string;
  /** What the client is told when the source throws. */
  readonly failure: (thrown: unknown) => SentEvent;
  /** Ends the source. Called once. */
  readonly end: () => void;
  readonly heartbeatMs: number;
}

/** What a source gives, as server-sent events: the next item is pulled when the client took the last. */
export async function* eventStream<Item>(
  source: AsyncIterator<Item, unknown>,
  { opening, textOf, failure, end, heartbeatMs }: EventStreamForm<Item>,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    if (opening !== undefined) yield Buffer.from(RETRY + opening);
    let head = opening === undefined ? RETRY : "";
    for (;;) {
      const next = source.next();
      let result = await within(next, heartbeatMs);
      while (result === undefined) {
        yield HEARTBEAT;
        result = await within(next, heartbeatMs);
      }
      if (result.done === true) return;
      yield Buffer.from(head + textOf(result.value));
      head = "";
    }
  } catch (thrown) {
    yield Buffer.from(eventText(failure(thrown)));
  } finally {
    end();
  }
}

/** A JSON payload stands there as it was sent, line ends between its parts included: each line is a field. */
export function eventText({ event, id, data }: SentEvent): string {
  const name = event === undefined ? "" : `event: ${event}\n`;
  const mark = id === undefined ? "" : `id: ${id}\n`;
  return `${name}${mark}data: ${data.replace(/\r\n|\r|\n/g, "\ndata: ")}\n\n`;
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
