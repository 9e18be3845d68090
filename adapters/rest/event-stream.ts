import {
  cursorFromPosition,
  type Delivered,
  errorJson,
  eventStream,
  eventText,
  HEARTBEAT_MS,
  jsonFromMessage,
  type LiveInbox,
  type MeshError,
  type TaskNews,
  type TaskSubscription,
} from "../../src/adapter-kit.ts";
import { jsonFromNews } from "./task-news.ts";

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
  const opening = eventText({ event: "welcome", id: cursorFromPosition(inbox.start), data: welcome });
  return sentEvents(inbox, (records) => records.map(messageEvent).join(""), { ...options, opening });
}

/** A task as server-sent events: `task` first, unless the reader had it, then an `event` for each, its sequence the id. */
export function eventsFromTask(subscription: TaskSubscription, options: EventStreamOptions): EventStream {
  return sentEvents(subscription, taskEvent, { ...options, opening: "\n" });
}

/** Ends the source when it ends. What ends it early is told by an `error` event. */
function sentEvents<Item>(
  source: AsyncIterator<Item, undefined> & { close(): void },
  textOf: (item: Item) => string,
  { opening, errorFrom, heartbeatMs = HEARTBEAT_MS }: EventStreamOptions & { readonly opening: string },
): EventStream {
  return eventStream(source, {
    ...{ opening, textOf, heartbeatMs },
    failure: (thrown) => ({ event: "error", data: errorJson(errorFrom(thrown)) }),
    end: () => source.close(),
  });
}

function taskEvent(news: TaskNews): string {
  const event = news.task === undefined ? "event" : "task";
  return eventText({ event, id: String(news.sequence), data: JSON.stringify(jsonFromNews(news)) });
}

function messageEvent(record: Delivered): string {
  const id = cursorFromPosition(record);
  return eventText({ event: "message", id, data: jsonFromMessage(record.bytes, record) });
}
