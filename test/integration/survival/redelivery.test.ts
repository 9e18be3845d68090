import { afterAll, beforeAll, expect, test } from "vitest";
import { baseOf, grpcWire } from "../../support/grpc-wire.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { jsonWire } from "../../support/json-wire.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient, type SessionEvents } from "../../support/session-client.ts";
import type { HelloFields, InMessage, SessionWire } from "../../support/session-wire.ts";
import { until } from "../../support/until.ts";
import { BatchSender, numberedDrafts } from "./batch-sender.ts";

let hub: TestHub;
let count = 0;

beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub?.[Symbol.asyncDispose]());

interface Reading {
  readonly session: SessionClient;
  readonly got: InMessage[];
}

async function read(
  agent: TestAgent,
  wire: SessionWire = protoWire,
  hello: Partial<HelloFields> = {},
  events: SessionEvents = {},
): Promise<Reading> {
  const got: InMessage[] = [];
  const session = await SessionClient.open(
    baseOf(hub, wire),
    wire,
    { token: agent.token, ...hello },
    { delivered: (messages) => got.push(...messages), ...events },
  );
  return { session, got };
}

/** An agent with so many unread messages, numbered from 0. */
async function readerWith(unread: number): Promise<TestAgent> {
  const reader = await hub.join(`reader-${++count}`);
  await sendTo(reader, unread);
  return reader;
}

async function sendTo(reader: TestAgent, messages: number): Promise<void> {
  const writer = await BatchSender.open(hub, await hub.join(`writer-${++count}`));
  await writer.sendAll(numberedDrafts(reader.agentId, messages), 250);
  await writer.close();
}

const numbers = (messages: readonly InMessage[]): number[] => messages.map(({ payload }) => Number(payload));
const upTo = (end: number, start = 0): number[] => Array.from({ length: end - start }, (_, n) => start + n);

test("who never acknowledges gets everything again, each time it connects, also after a kill", async () => {
  const reader = await readerWith(600);
  for (const wire of [protoWire, jsonWire, grpcWire]) {
    const { session, got } = await read(reader, wire);
    expect(session.start.offset).toBe(0);
    await until("all of it", () => got.length >= 600);
    expect(numbers(got)).toEqual(upTo(600));
    session.cut();
  }
  await hub.kill();
  await hub.start();
  for (const wire of [protoWire, grpcWire]) {
    const { session, got } = await read(reader, wire);
    await until("all of it after the restart", () => got.length >= 600);
    expect(numbers(got)).toEqual(upTo(600));
    await session.close();
  }
});

test("who leaves in the middle of a batch is served again from the committed position", async () => {
  const reader = await readerWith(1000);
  const committed = Promise.withResolvers<number>();
  const first = await read(
    reader,
    protoWire,
    { window: 400 },
    { acked: ({ offset }) => committed.resolve(offset) },
  );
  await until("the window is full", () => first.got.length >= 400);
  expect(numbers(first.got)).toEqual(upTo(400));
  first.session.ack({ epoch: 1, offset: 150 });
  expect(await committed.promise).toBe(150);
  first.session.cut();

  const second = await read(reader, jsonWire);
  expect(second.session.start).toEqual({ epoch: 1, offset: 150 });
  await until("the rest", () => second.got.length >= 850);
  expect(numbers(second.got)).toEqual(upTo(1000, 150));
  await second.session.close();
});

test("a cursor of its own brings a reader back to where it was, whatever is acknowledged", async () => {
  const reader = await readerWith(300);
  const { session, got } = await read(reader, protoWire, { cursor: "1-120" });
  await until("behind the cursor", () => got.length >= 180);
  expect(numbers(got)).toEqual(upTo(300, 120));
  await session.close();
  await expect(read(reader, protoWire, { cursor: "1-301" })).rejects.toThrow(/4410 .*gap/);
});

test("an ack behind the end is refused and moves nothing", async () => {
  const reader = await readerWith(10);
  const errors: string[] = [];
  const { session } = await read(reader, protoWire, {}, { error: (text) => errors.push(text) });
  session.ack({ epoch: 1, offset: 11 });
  await until("the refusal", () => errors.length > 0);
  expect(errors[0]).toMatch(/gap/i);
  session.cut();
  const again = await read(reader);
  expect(again.session.start.offset).toBe(0);
  await again.session.close();
});

test("sessions of one agent mirror: each gets every message once and in order", async () => {
  const reader = await readerWith(500);
  const readings = await Promise.all([
    read(reader),
    read(reader, jsonWire),
    read(reader, protoWire, { cursor: "1-100" }),
    read(reader, grpcWire),
  ]);
  await sendTo(reader, 500);
  const expected = [...upTo(500), ...upTo(500)];
  for (const [index, { got }] of readings.entries()) {
    const all = index === 2 ? expected.slice(100) : expected;
    await until(`session ${index} has everything`, () => got.length >= all.length);
    expect(numbers(got)).toEqual(all);
  }
  // One commits for all of them.
  const committed = Promise.withResolvers<number>();
  readings[0]?.session.ack({ epoch: 1, offset: 1000 });
  const late = await until("the committed position", async () => {
    const probe = await read(reader, protoWire, {}, { acked: ({ offset }) => committed.resolve(offset) });
    await probe.session.close();
    return probe.session.start.offset === 1000 && probe;
  });
  expect(late.got).toEqual([]);
  await Promise.all(readings.map(({ session }) => session.close()));
});
