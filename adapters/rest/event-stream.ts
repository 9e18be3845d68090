import {
  cursorFromPosition,
  type Delivered,
  jsonFromMessage,
  type LiveInbox,
  type MeshError,
} from "../../src/adapter-kit.ts";
import { errorJson } from "./errors.ts";

/** Proxies and browsers take a connection for dead that is silent for longer: many give it half a minute. */
const HEARTBEAT_MS = 15_000;
/** How long a browser waits before it connects again. */
const RETRY_MS = 3_000;
const HEARTBEAT = Buffer.from(":\n\n");

export interface EventStreamOptions {
  /** What the first event tells, as JSON text. */
  readonly welcome: string;
  /** Turns what ends the stream into what its reader is told. */
  readonly errorFrom: (thrown: unknown) => MeshError;
  readonly heartbeatMs?: number;
}

/**
 * An inbox as server-sent events, one part for each batch: the next batch is pulled when the client took the last
 * one. Ends the inbox when it ends. What ends it early is told by an `error` event.
 */
export async function* eventsFromInbox(
  inbox: LiveInbox,
  { welcome, errorFrom, heartbeatMs = HEARTBEAT_MS }: EventStreamOptions,
): AsyncGenerator<Uint8Array, void, undefined> {
  try {
    yield Buffer.from(
      `retry: ${RETRY_MS}\n${eventText("welcome", cursorFromPosition(inbox.start), welcome)}`,
    );
    for (;;) {
      const next = inbox.next();
      let result = await within(next, heartbeatMs);
      while (result === undefined) {
        yield HEARTBEAT;
        result = await within(next, heartbeatMs);
      }
      if (result.done === true) return;
      yield Buffer.from(result.value.map(messageEvent).join(""));
    }
  } catch (thrown) {
    yield Buffer.from(eventText("error", undefined, errorJson(errorFrom(thrown))));
  } finally {
    inbox.close();
  }
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
