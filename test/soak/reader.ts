import { setTimeout } from "node:timers/promises";
import type { TestAgent } from "../support/hub.ts";
import { messageFromJson } from "../support/json-wire.ts";
import { SessionClient } from "../support/session-client.ts";
import { placeFromCursor, type SessionWire } from "../support/session-wire.ts";
import type { Gate } from "./gate.ts";
import type { InboxWatch } from "./inbox-watch.ts";

const RETRY_MS = 20;

export interface ReaderOptions {
  readonly agent: TestAgent;
  readonly watch: InboxWatch;
  readonly gate: Gate;
  readonly random: (limit: number) => number;
  readonly base: () => string;
}

export interface SessionReading {
  readonly wire: SessionWire;
  /** Acknowledges one frame in so many; 0 = never. */
  readonly ackEvery: number;
  readonly window: number;
}

/** Reads over a WebSocket until the gate says stop; after a break from the committed position on. */
export async function readBySession(options: ReaderOptions, reading: SessionReading): Promise<void> {
  const { agent, watch, gate, random, base } = options;
  while (await gate.isOpen()) {
    const closed = Promise.withResolvers<void>();
    const session = await SessionClient.open(
      base(),
      reading.wire,
      { token: agent.token, window: reading.window },
      {
        welcome: ({ start }) => watch.begin(start, "committed"),
        delivered: (messages, client) => {
          watch.take(messages);
          const last = messages.at(-1);
          if (last === undefined || reading.ackEvery === 0 || random(reading.ackEvery) > 0) return;
          watch.asked(last.offset);
          client.ack(last);
        },
        acked: ({ offset }) => watch.confirmed(offset),
        closed: () => closed.resolve(),
      },
    ).catch(() => undefined);
    if (session === undefined) {
      await setTimeout(RETRY_MS);
      continue;
    }
    await Promise.race([closed.promise, gate.ended]);
    await session.close();
  }
}

/** Polls GET /messages; giving the cursor acknowledges what is before it. */
export async function readByPolling(options: ReaderOptions): Promise<void> {
  const { agent, watch, gate } = options;
  let cursor: string | undefined;
  while (await gate.isOpen()) {
    if (cursor !== undefined) watch.asked(placeFromCursor(cursor).offset);
    const query = cursor === undefined ? "" : `&cursor=${cursor}`;
    const answer = await agent.get(`/messages?limit=200&wait=1${query}`).catch(() => undefined);
    if (answer?.status !== 200) {
      cursor = undefined;
      await setTimeout(RETRY_MS);
      continue;
    }
    const messages = answer.messages().map(messageFromJson);
    const first = messages[0];
    const next = placeFromCursor(answer.field("cursor"));
    if (cursor !== undefined) watch.confirmed(placeFromCursor(cursor).offset);
    else watch.begin(first === undefined ? next : { ...next, offset: first.offset - 1 }, "committed");
    watch.take(messages);
    cursor = `${next.epoch}-${next.offset}`;
  }
}
