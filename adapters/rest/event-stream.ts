import {
  cursorFromPosition,
  type Delivered,
  jsonFromMessage,
  type LiveInbox,
  type MeshError,
  type TaskNews,
  type TaskSubscription,
} from "../../src/adapter-kit.ts";
import { errorJson } from "./errors.ts";
import { jsonFromNews } from "./task-answers.ts";

/** Proxies and browsers take a connection for dead that is silent for longer: many give it half a minute. */
const HEARTBEAT_MS = 15_000;
/** How long a browser waits before it connects again. */
const RETRY_MS = 3_000;
const HEARTBEAT = Buffer.from(":\n\n");

export interface EventStreamOptions {
  /** Turns what ends the stream into what its reader is told. */
  readonly errorFrom: (thrown: unknown) => MeshError;
  readonly heartbeatMs?: number;
}

type EventStream = AsyncGenerator<Uint8Array, void, undefined>;

/** An inbox as server-sent events, one part for each batch; `welcome` is what the first event tells, as JSON text. */
export function eventsFromInbox(
  inbox: LiveInbox,
  { welcome, ...options }: EventStreamOptions & { readonly welcome: string },
): EventStream {
  const opening = eventText("welcome", cursorFromPosition(inbox.start), welcome);
  return sentEvents(inbox, (records) => records.map(messageEvent).join(""), { ...options, opening });
}

/** A task as server-sent events: `task` first, unless the reader had it, then an `event` for each, its sequence the id. */
export function eventsFromTask(subscription: TaskSubscription, options: EventStreamOptions): EventStream {
  return sentEvents(subscription, taskEvent, { ...options, opening: "" });
}

/**
 * The next one is pulled when the client took the last. Ends the source when it ends. What ends it early is told by an
 * `error` event.
 */
async function* sentEvents<Item>(
  source: AsyncIterator<Item, undefined> & { close(): void },
  textOf: (item: Item) => string,
  { opening, errorFrom, heartbeatMs = HEARTBEAT_MS }: EventStreamOptions & { readonly opening: string },
): EventStream {
  try {
    yield Buffer.from(`retry: ${RETRY_MS}\n${opening === "" ? "\n" : opening}`);
    for (;;) {
      const next = source.next();
      let result = await within(next, heartbeatMs);
      while (result === undefined) {
        yield HEARTBEAT;
        result = await within(next, heartbeatMs);
      }
      if (result.done === true) return;
      yield Buffer.from(textOf(result.value));
    }
  } catch (thrown) {
    yield Buffer.from(eventText("error", undefined, errorJson(errorFrom(thrown))));
  } finally {
    source.close();
  }
}

function taskEvent(news: TaskNews): string {
  const name = news.task === undefined ? "event" : "task";
  return eventText(name, String(news.sequence), JSON.stringify(jsonFromNews(news)));
}

function messageEvent(record: Delivered): string {
  return eventText("message", cursorFromPosition(record), jsonFromMessage(record.bytes, record));
}

/** A JSON payload stands there as it was sent, line ends between its parts included: each line is a field. */
function eventText(event: string, id: string | undefined, json: string): string {
  const data = json.replace(/\r\n|\r|\n/g, "\ndata: ");
  return `event: ${event}\n${id === undefined ? "" : `id: ${id}\n`}data: ${data}\n\n`;
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
