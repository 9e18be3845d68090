import { expect, test } from "vitest";
import { baseOf, grpcWire } from "../../support/grpc-wire.ts";
import { type TestAgent, type TestHub, withHub } from "../../support/hub.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import type { InMessage } from "../../support/session-wire.ts";
import { until } from "../../support/until.ts";
import { BatchSender, numberedDrafts } from "./batch-sender.ts";
import { residentBytes } from "./hub-memory.ts";

const MESSAGES = 3200;
const PAYLOAD_BYTES = 16_384;
const MIB = 1_048_576;

/** Sends one message after the other to a reader of its own until `stop`, and gives how long each took to arrive. */
async function pingPong(
  hub: TestHub,
  from: TestAgent,
  to: TestAgent,
  isOver: () => boolean,
): Promise<number[]> {
  const tookMs: number[] = [];
  let arrived: () => void = () => undefined;
  const reader = await SessionClient.open(
    hub.http,
    protoWire,
    { token: to.token },
    {
      delivered: (messages, client) => {
        const last = messages.at(-1);
        if (last !== undefined) client.ack(last);
        arrived();
      },
    },
  );
  const sender = await BatchSender.open(hub, from);
  while (!isOver()) {
    const startMs = performance.now();
    const arrival = new Promise<void>((resolve) => {
      arrived = resolve;
    });
    await Promise.all([sender.send([{ to: to.agentId, payload: "1" }]), arrival]);
    tookMs.push(performance.now() - startMs);
  }
  await Promise.all([reader.close(), sender.close()]);
  return tookMs;
}

test.each([
  ["WebSocket", protoWire],
  ["gRPC", grpcWire],
])(
  "a reader that stops reading costs the hub bounded memory, and nobody else their messages: %s",
  (_name, wire) =>
    withHub({}, async (hub) => {
      const agents = await Promise.all(["sender", "slow", "ping", "pong"].map((name) => hub.join(name)));
      const [sender, slow, ping, pong] = agents;
      if (!sender || !slow || !ping || !pong) throw new Error("four joined");
      const got: InMessage[] = [];
      const reader = await SessionClient.open(
        baseOf(hub, wire),
        wire,
        { token: slow.token },
        { delivered: (messages) => got.push(...messages) },
      );
      // What the hub needs for its own code and caches is there before it is measured.
      const writer = await BatchSender.open(hub, sender);
      await writer.sendAll(numberedDrafts("sender", 640, PAYLOAD_BYTES), 16);
      const before = residentBytes(hub.pid);

      reader.pause();
      let isOver = false;
      const pings = pingPong(hub, ping, pong, () => isOver);
      const outcomes = await writer.sendAll(numberedDrafts("slow", MESSAGES, PAYLOAD_BYTES), 16);
      isOver = true;
      const tookMs = (await pings).sort((one, other) => one - other);
      const after = residentBytes(hub.pid);
      expect(got.length).toBeLessThan(MESSAGES);
      expect(after.own - before.own).toBeLessThan(60 * MIB);
      expect(tookMs.length).toBeGreaterThan(20);
      expect(tookMs[Math.floor(tookMs.length / 2)]).toBeLessThan(1000);
      expect(tookMs.at(-1)).toBeLessThan(10_000);

      reader.resume();
      await until("everything is read", () => got.length >= MESSAGES);
      expect(got.map(({ offset }) => offset)).toEqual(outcomes.map(({ offset }) => offset));
      expect(got.map(({ id }) => id)).toEqual(outcomes.map(({ id }) => id));
      await Promise.all([reader.close(), writer.close()]);
    }),
);

test.each([
  ["WebSocket", protoWire],
  ["gRPC", grpcWire],
])("many large messages at once reach a reader that keeps up, over one connection: %s", (_name, wire) =>
  withHub({}, async (hub) => {
    const [sender, reader] = await Promise.all(["sender", "reader"].map((name) => hub.join(name)));
    if (!sender || !reader) throw new Error("two joined");
    const got: InMessage[] = [];
    const session = await SessionClient.open(
      baseOf(hub, wire),
      wire,
      { token: reader.token },
      { delivered: (messages) => got.push(...messages) },
    );
    const writer = await BatchSender.open(hub, sender);
    const drafts = numberedDrafts("reader", 40, MIB - 100);
    const outcomes = (await Promise.all(drafts.map((draft) => writer.send([draft])))).flat();
    await until("all of them", () => got.length >= drafts.length || !session.isOpen);
    expect(session.isOpen).toBe(true);
    expect(got.map(({ id }) => id)).toEqual(outcomes.map(({ id }) => id));
    await Promise.all([session.close(), writer.close()]);
  }),
);
