import { z } from "zod";
import {
  cursorFromPosition,
  EVENT_STREAM_HEADERS,
  type HttpResponse,
  type Logger,
  openLiveInbox,
  present,
  type RelayApi,
  timeText,
} from "../../src/adapter-kit.ts";
import { meshErrorFromThrown } from "./errors.ts";
import { eventsFromInbox } from "./event-stream.ts";
import type { Incoming } from "./incoming.ts";
import { type Operation, operation } from "./operation.ts";
import { countParameter, type QueryValues, textParameter } from "./query.ts";

const PATH = "/messages/stream";
const MAX_WINDOW = 100_000;

const streamQuery = {
  cursor: textParameter("deliver after this one; absent = after what is acknowledged"),
  last_event_id: textParameter("as the header, for clients that cannot set it"),
  ticket: textParameter("of POST /tickets, where no header can be set"),
  window: countParameter("at most so many delivered and not yet acknowledged", 1, MAX_WINDOW),
};

export interface StreamDeps {
  readonly relay: RelayApi;
  readonly logger: Logger;
}

/** The inbox as server-sent events, for browsers and for curl. */
export function streamOperations(deps: StreamDeps): readonly Operation[] {
  return [
    operation({
      method: "GET",
      path: PATH,
      insteadOfToken: "ticket",
      id: "followMessages",
      group: "Messages",
      summary: "Follow your inbox as server-sent events",
      description:
        "First a `welcome`, then a `message` for every message, receipts too, with its cursor as the event's id. " +
        "Nothing is acknowledged by itself: POST /messages/ack does that. An `error` event says why the stream ends.",
      headers: { "Last-Event-ID": "the id of the last event that you got; goes before the query" },
      query: streamQuery,
      answers: {
        200: { description: "events, until one side ends it", content: { "text/event-stream": z.string() } },
      },
      refusals: ["gap"],
      handle: (incoming) => follow(deps, incoming, incoming.query),
    }),
  ];
}

async function follow(
  { relay, logger }: StreamDeps,
  { call, request }: Incoming,
  query: QueryValues<typeof streamQuery>,
): Promise<HttpResponse> {
  // Nobody would ever read from, and so end, what was opened for a HEAD.
  if (request.method === "HEAD") return { status: 200, headers: EVENT_STREAM_HEADERS, body: "" };
  const cursor = request.headers.get("last-event-id") || (query.last_event_id ?? query.cursor);
  const inbox = await openLiveInbox(relay, call, present({ cursor, window: query.window }));
  const { principal } = call;
  const expiresUnixMs = principal.kind === "agent" ? principal.expiresUnixMs : undefined;
  const welcome = JSON.stringify({
    agent_id: principal.kind === "agent" ? principal.agentId : undefined,
    cursor: cursorFromPosition(inbox.start),
    expires_at: expiresUnixMs === undefined ? undefined : timeText(expiresUnixMs),
  });
  const errorFrom = (thrown: unknown) => meshErrorFromThrown(thrown, `GET ${PATH}`, logger);
  return { status: 200, headers: EVENT_STREAM_HEADERS, body: eventsFromInbox(inbox, { welcome, errorFrom }) };
}
