import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { JsonSession, ProtoSession } from "./raw-session.ts";

let hub: TestHub;
let alice: TestAgent;
let count = 0;

beforeAll(async () => {
  hub = await startHub();
  alice = await hub.join("alice");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

const reader = () => hub.join(`reader-${++count}`);

/** An agent whose inbox holds the numbers 1…n. */
async function readerWith(n: number): Promise<TestAgent> {
  const agent = await reader();
  await fill(agent, 1, n);
  return agent;
}

async function fill(agent: TestAgent, first: number, last: number, fields: object = {}): Promise<string[]> {
  const session = await JsonSession.open(hub.http, alice.token, { no_delivery: true });
  const numbers = numbersBetween(first, last);
  session.say({
    send: numbers.map((n) => ({ ref: n, to: agent.agentId, payload: n, receipts: false, ...fields })),
  });
  await until("results", () => session.results.length === numbers.length);
  session.close();
  return session.results.map((result) => String(result.message_id));
}

function numbersBetween(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, index) => first + index);
}

async function unread(agent: TestAgent): Promise<unknown[]> {
  const page = await agent.get("/messages?limit=500");
  return page.messages().map(({ payload }) => payload);
}

describe("acks", () => {
  test("move the committed position, for every face", async () => {
    const bob = await readerWith(5);
    const session = await JsonSession.open(hub.http, bob.token);
    const messages = await session.untilDelivered(5);
    await session.untilAcked(String(messages[2]?.cursor));
    expect(await unread(bob)).toEqual([4, 5]);
    session.say({ ack: messages[0]?.cursor });
    await session.settled();
    expect(await unread(bob)).toEqual([4, 5]);
    session.close();
    const again = await JsonSession.open(hub.http, bob.token);
    expect(again.frames[0]?.welcome?.cursor).toBe(messages[2]?.cursor);
    await again.untilDelivered(2);
    expect(again.payloads).toEqual([4, 5]);
    again.close();
  });

  test("of the binary wire do the same", async () => {
    const bob = await readerWith(3);
    const session = await ProtoSession.open(hub.http, bob.token);
    const second = await until("deliveries", () => session.delivered[2] && session.delivered[1]);
    session.say({ ack: { epoch: second.epoch, offset: second.offset } });
    await session.frame("acked", ({ acked }) => acked?.offset === second.offset);
    expect(await unread(bob)).toEqual([3]);
    session.close();
  });

  test("of what is not there are a gap: nothing moves, the session goes on", async () => {
    const bob = await readerWith(2);
    const session = await JsonSession.open(hub.http, bob.token, { window: 1 });
    for (const cursor of ["1-9", "2-1", "9999999999-999999999999999"]) session.say({ ack: cursor });
    await until("errors", () => session.errors.length === 3);
    expect(session.errors.map(({ code }) => code)).toEqual(["gap", "gap", "gap"]);
    await session.settled();
    expect(session.payloads).toEqual([1]);
    expect(await unread(bob)).toEqual([1, 2]);
    session.close();
  });
});

describe("a cursor in hello", () => {
  test("goes on behind it, whatever is acknowledged", async () => {
    const bob = await readerWith(5);
    const cursors = (await bob.get("/messages")).messages().map(({ cursor }) => cursor);
    await bob.post("/messages/ack", { cursor: cursors[3] });
    for (const [after, payloads] of [
      [1, [3, 4, 5]],
      [3, [5]],
      [4, []],
    ] as const) {
      const session = await JsonSession.open(hub.http, bob.token, { cursor: cursors[after] });
      expect(session.frames[0]?.welcome?.cursor).toBe(cursors[after]);
      await session.untilDelivered(payloads.length);
      await session.settled();
      expect(session.payloads).toEqual(payloads);
      session.close();
    }
  });

  test.each(["1-99", "2-1", "0-3", "7-0"])("%s is a gap: 4410", async (cursor) => {
    const bob = await readerWith(2);
    const session = await JsonSession.connect(hub.http);
    session.say({ hello: { token: bob.token, cursor } });
    expect((await session.ended).code).toBe(4410);
    expect(session.errors[0]).toMatchObject({ code: "gap", hint: expect.any(String) });
  });

  test("that is none is malformed", async () => {
    const session = await JsonSession.connect(hub.http);
    session.say({ hello: { token: alice.token, cursor: "first" } });
    expect((await session.ended).code).toBe(4400);
  });

  test("holds over a restart of the hub", async () => {
    const other = await startHub();
    try {
      const [carol, dave] = [await other.join("carol"), await other.join("dave")];
      for (const payload of [1, 2, 3]) await carol.post("/send", { to: "dave", payload, receipts: false });
      const before = await JsonSession.open(other.http, dave.token);
      const cursor = (await before.untilDelivered(3))[1]?.cursor;
      await other.kill();
      expect((await before.ended).code).toBe(1006);
      await other.start();
      const after = await JsonSession.open(other.http, dave.token, { cursor });
      await after.untilDelivered(1);
      expect(after.payloads).toEqual([3]);
      const stopping = other.stop();
      expect((await after.ended).code).toBe(1001);
      expect(await stopping).toBe(0);
    } finally {
      await other[Symbol.asyncDispose]();
    }
  });
});

describe("flow", () => {
  test("a window of 1 hands over one, then one for each ack", async () => {
    const bob = await readerWith(6);
    const session = await JsonSession.open(hub.http, bob.token, { window: 1 });
    for (let n = 1; n <= 6; n++) {
      const messages = await session.untilDelivered(n);
      await session.settled();
      expect(session.payloads).toEqual(numbersBetween(1, n));
      await session.untilAcked(String(messages[n - 1]?.cursor));
    }
    await fill(bob, 7, 9);
    await session.untilDelivered(7);
    await session.settled();
    expect(session.payloads).toEqual(numbersBetween(1, 7));
    session.close();
  });

  test("a window grows and shrinks while the session is open", async () => {
    const bob = await readerWith(10);
    const session = await JsonSession.open(hub.http, bob.token, { window: 2 });
    await session.untilDelivered(2);
    session.say({ flow: { window: 5 } });
    const five = await session.untilDelivered(5);
    await session.settled();
    expect(session.payloads).toEqual(numbersBetween(1, 5));
    session.say({ flow: { window: 1 } });
    await session.untilAcked(String(five[3]?.cursor));
    await session.settled();
    expect(session.payloads).toEqual(numbersBetween(1, 5));
    await session.untilAcked(String(five[4]?.cursor));
    await session.untilDelivered(6);
    await session.settled();
    expect(session.payloads).toEqual(numbersBetween(1, 6));
    session.close();
  });

  test("pause stops, resume goes on without a hole or a repeat", async () => {
    const bob = await readerWith(2);
    const session = await JsonSession.open(hub.http, bob.token);
    await session.untilDelivered(2);
    session.say({ flow: { pause: true } });
    await session.settled();
    await fill(bob, 3, 200);
    const witness = await JsonSession.open(hub.http, bob.token);
    await witness.untilDelivered(200);
    await session.settled();
    expect(session.payloads).toEqual([1, 2]);
    session.say({ flow: { resume: true } });
    await session.untilDelivered(200);
    expect(session.payloads).toEqual(numbersBetween(1, 200));
    session.close();
    witness.close();
  });

  test("no_delivery hands over nothing; sends and acks work", async () => {
    const bob = await readerWith(3);
    const cursors = (await bob.get("/messages")).messages().map(({ cursor }) => cursor);
    const session = await JsonSession.open(hub.http, bob.token, { no_delivery: true });
    await session.untilAcked(String(cursors[1]));
    expect((await session.send({ to: bob.agentId, payload: 4, receipts: false })).status).toBe("accepted");
    await session.settled();
    expect(session.delivered).toEqual([]);
    expect(await unread(bob)).toEqual([3, 4]);
    session.close();
  });

  test("a reader that takes nothing holds up nobody, and misses nothing", async () => {
    const bob = await reader();
    const [slow, quick] = [
      await JsonSession.open(hub.http, bob.token),
      await JsonSession.open(hub.http, bob.token),
    ];
    slow.socket.pause();
    const payload = "x".repeat(10_000);
    const from = await JsonSession.open(hub.http, alice.token, { no_delivery: true });
    for (let frame = 0; frame < 10; frame++) {
      from.say({
        send: numbersBetween(1, 100).map((n) => ({
          ref: frame * 100 + n,
          to: bob.agentId,
          payload: [frame * 100 + n, payload],
          receipts: false,
        })),
      });
    }
    await quick.untilDelivered(1000);
    slow.socket.resume();
    await slow.untilDelivered(1000);
    const firsts = (session: JsonSession) => session.payloads.map((each) => Object(each)[0]);
    expect(firsts(slow)).toEqual(numbersBetween(1, 1000));
    expect(firsts(quick)).toEqual(numbersBetween(1, 1000));
    for (const session of [slow, quick, from]) session.close();
  });
});

describe("several sessions of one agent", () => {
  test("mirror: each gets every message, on either wire; the ack is one", async () => {
    const bob = await readerWith(2);
    const [one, two] = [
      await JsonSession.open(hub.http, bob.token),
      await JsonSession.open(hub.http, bob.token),
    ];
    const three = await ProtoSession.open(hub.http, bob.token);
    await fill(bob, 3, 50);
    for (const session of [one, two]) {
      await session.untilDelivered(50);
      expect(session.payloads).toEqual(numbersBetween(1, 50));
    }
    await until("all", () => three.delivered.length === 50);
    expect(three.delivered.map(({ offset }) => Number(offset))).toEqual(numbersBetween(1, 50));
    await one.untilAcked(String(one.delivered[49]?.cursor));
    expect(await unread(bob)).toEqual([]);
    for (const session of [one, two, three]) session.close();
  });

  test("online is who has one", async () => {
    const bob = await reader();
    const isOnline = async () => (await alice.get(`/agents/${bob.agentId}`)).field("online");
    const session = await JsonSession.open(hub.http, bob.token);
    await until("online", async () => (await isOnline()) === true);
    session.close();
    await session.ended;
  });
});

describe("receipts", () => {
  interface ReceiptPayload {
    readonly status: string;
    readonly message_ids?: readonly string[];
    readonly range?: { readonly first: string; readonly last: string; readonly count: number };
  }
  const told = (session: JsonSession): readonly ReceiptPayload[] =>
    session.receipts.map(({ payload }) => Object(payload));

  test("tell the sender delivered, read, processed, failed, each once and from the hub", async () => {
    const [bob, carol] = [await reader(), await reader()];
    const sender = await JsonSession.open(hub.http, carol.token);
    const one = String((await sender.send({ to: bob.agentId, payload: 1 })).message_id);
    const two = String((await sender.send({ to: bob.agentId, payload: 2 })).message_id);
    const session = await JsonSession.open(hub.http, bob.token);
    const messages = await session.untilDelivered(2);
    const has = (status: string, id: string) =>
      until(`${status} ${id}`, () =>
        told(sender).some((each) => each.status === status && each.message_ids?.includes(id)),
      );
    await has("delivered", one);
    await session.untilAcked(String(messages[1]?.cursor));
    await has("read", one);
    await has("read", two);
    await bob.post(`/messages/${one}/processed`, { note: "fine" });
    await bob.post(`/messages/${two}/processed`, { ok: false, note: "broken" });
    await has("processed", one);
    await has("failed", two);
    const seen = told(sender).flatMap(({ status, message_ids }) =>
      (message_ids ?? []).map((id) => `${status} ${id}`),
    );
    expect(new Set(seen).size).toBe(seen.length);
    for (const receipt of sender.receipts) expect(receipt).toMatchObject({ from: "hub", to: carol.agentId });
    expect(session.receipts).toEqual([]);
    for (const each of [session, sender]) each.close();
  });

  test("of many messages are one range", async () => {
    const [bob, carol] = [await reader(), await reader()];
    const sender = await JsonSession.open(hub.http, carol.token);
    sender.say({ send: numbersBetween(1, 300).map((ref) => ({ ref, to: bob.agentId, payload: ref })) });
    await until("results", () => sender.results.length === 300);
    const session = await JsonSession.open(hub.http, bob.token);
    await session.untilDelivered(300);
    await session.untilAcked(String(session.delivered[299]?.cursor));
    await until("read", () => told(sender).some(({ status }) => status === "read"));
    const counted = (status: string) =>
      told(sender)
        .filter((each) => each.status === status)
        .reduce((sum, each) => sum + (each.range?.count ?? each.message_ids?.length ?? 0), 0);
    await until("all read", () => counted("read") === 300);
    expect(sender.receipts.length).toBeLessThan(10);
    const ids = sender.results.map((result) => result.message_id);
    const last = told(sender)
      .filter(({ status, range }) => status === "read" && range)
      .at(-1);
    expect(last?.range?.last).toBe(ids[299]);
    for (const each of [session, sender]) each.close();
  });

  test("are not sent for those who want none, on either wire", async () => {
    const [bob, carol] = [await reader(), await reader()];
    const json = await JsonSession.open(hub.http, carol.token);
    const proto = await ProtoSession.open(hub.http, carol.token, { noDelivery: true });
    await json.send({ to: bob.agentId, payload: 1, receipts: false });
    proto.say({ send: [{ ref: 1n, to: bob.agentId, payload: Buffer.from("2"), noReceipts: true }] });
    await until("result", () => proto.results.length === 1);
    const marked = String((await json.send({ to: bob.agentId, payload: 3 })).message_id);
    const session = await JsonSession.open(hub.http, bob.token);
    await session.untilDelivered(3);
    await session.untilAcked(String(session.delivered[2]?.cursor));
    await until("the one receipt", () => told(json).some(({ status }) => status === "read"));
    expect(told(json).flatMap(({ message_ids }) => message_ids ?? [])).toEqual(told(json).map(() => marked));
    for (const each of [json, proto, session]) each.close();
  });
});
