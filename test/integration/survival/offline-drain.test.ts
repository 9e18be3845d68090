import { expect, test } from "vitest";
import { withHub } from "../../support/hub.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import { until } from "../../support/until.ts";
import { BatchSender, numberedDrafts } from "./batch-sender.ts";

const SENDERS = 4;
const EACH = 5000;
const ALL = SENDERS * EACH;

test("20,000 messages that came while nobody was there are handed over once each, in order", () =>
  withHub({}, async (hub) => {
    const reader = await hub.join("reader");
    const placeOf = new Map<string, number>();
    await Promise.all(
      Array.from({ length: SENDERS }, async (_, n) => {
        const sender = await BatchSender.open(hub, await hub.join(`sender-${n}`));
        const outcomes = await sender.sendAll(numberedDrafts("reader", EACH, 300), 500);
        for (const { id, offset } of outcomes) placeOf.set(id, offset);
        await sender.close();
      }),
    );
    expect(placeOf.size).toBe(ALL);
    const got: string[] = [];
    const offsets: number[] = [];
    const committed = Promise.withResolvers<number>();
    const session = await SessionClient.open(
      hub.http,
      protoWire,
      { token: reader.token, window: 1000 },
      {
        delivered: (messages, client) => {
          for (const { id, offset } of messages) {
            got.push(id);
            offsets.push(offset);
          }
          const last = messages.at(-1);
          if (last !== undefined) client.ack(last);
        },
        acked: ({ offset }) => offset === ALL && committed.resolve(offset),
      },
    );
    await until("all of them", () => got.length >= ALL);
    await committed.promise;
    expect(offsets).toEqual(Array.from({ length: ALL }, (_, n) => n + 1));
    expect(got.every((id, index) => placeOf.get(id) === index + 1)).toBe(true);
    await session.close();
    expect((await reader.get("/messages")).messages()).toEqual([]);
  }));
