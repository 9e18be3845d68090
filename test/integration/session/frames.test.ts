import { randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { decodeEnvelope } from "../../../src/model/envelope-codec.ts";
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

describe("messages", () => {
  test("go both ways between the wires, each in its own words", async () => {
    const bob = await reader();
    const json = await JsonSession.open(hub.http, alice.token);
    const proto = await ProtoSession.open(hub.http, bob.token);
    const sent = await json.send({ to: bob.agentId, payload: { n: 1.5 }, reply_to: "x", context_id: "c" });
    expect(sent).toMatchObject({ status: "accepted", position: expect.stringMatching(/^\d+-1$/) });
    await until("delivery", () => proto.delivered.length === 1);
    const { header, payload } = decodeEnvelope(proto.delivered[0]?.envelope ?? new Uint8Array());
    expect(header).toMatchObject({ id: sent.message_id, from: "alice", replyTo: "x", contextId: "c" });
    expect(Buffer.from(payload).toString()).toBe('{"n":1.5}');
    const content = Buffer.from('{"b": 1.0}');
    proto.say({
      send: [{ ref: 2n ** 64n - 1n, to: "alice", payload: content, contentType: "application/json" }],
    });
    const [message] = (await json.untilDelivered(1)).filter(({ kind }) => kind === "MESSAGE");
    expect(message ?? (await json.untilDelivered(2))[1]).toMatchObject({
      payload: { b: 1 },
      from: bob.agentId,
    });
    await until("a result with all 64 bits of its ref", () =>
      proto.results.find(({ ref }) => ref === 2n ** 64n - 1n),
    );
    json.close();
    proto.close();
  });

  test("many in one frame: a result for each, and the order is kept", async () => {
    const bob = await reader();
    const from = await JsonSession.open(hub.http, alice.token, { no_delivery: true });
    const to = await JsonSession.open(hub.http, bob.token);
    const numbers = Array.from({ length: 1000 }, (_, index) => index);
    from.say({ send: numbers.map((n) => ({ ref: n, to: bob.agentId, payload: n, receipts: false })) });
    await to.untilDelivered(1000);
    expect(to.payloads).toEqual(numbers);
    await until("results", () => from.results.length === 1000);
    expect(from.results.map(({ ref }) => ref)).toEqual(numbers);
    from.close();
    to.close();
  });

  test("10,000 in one frame, on either wire; one more and nothing of the frame is done", async () => {
    const bob = await reader();
    const sends = (length: number) =>
      Array.from({ length }, (_, n) => ({ to: bob.agentId, payload: 1, ref: n }));
    const json = await JsonSession.open(hub.http, alice.token, { no_delivery: true });
    json.say({ send: sends(10_001) });
    await json.frame("error", ({ error }) => error?.code === "invalid_argument");
    json.say({ send: sends(10_000) });
    await until("results", () => json.results.length >= 10_000);
    const proto = await ProtoSession.open(hub.http, alice.token, { noDelivery: true });
    const small = (length: number) =>
      sends(length).map((send) => ({ ...send, payload: Buffer.from("1"), ref: BigInt(send.ref) }));
    proto.say({ send: small(10_001) });
    await proto.frame("error", ({ error }) => error?.message !== undefined);
    proto.say({ send: small(10_000) });
    await until("results", () => proto.results.length >= 10_000);
    expect(json.results.length + proto.results.length).toBe(20_000);
    expect([...json.results, ...proto.results].filter(({ error }) => error)).toEqual([]);
    json.close();
    proto.close();
  });

  test("every JSON value is the bytes that were sent", async () => {
    const session = await JsonSession.open(hub.http, (await reader()).token);
    const me = session.frames[0]?.welcome?.agent_id;
    const raw: string[] = [];
    session.socket.on("message", (data) => raw.push(String(data)));
    const values = [
      "0",
      "-0",
      '"x"',
      "null",
      "false",
      "[]",
      '{"b": 1.0, "a":1e400,"b":2}',
      "12345678901234567890",
    ];
    const sends = values.map((value) => `{"to":"${me}", "payload" : ${value} ,"receipts":false}`);
    session.socket.send(`{"send": [${sends.join(" , ")}]}`);
    await session.untilDelivered(values.length);
    for (const value of values) expect(raw.join("\n")).toContain(`"payload":${value},`);
    session.close();
  });

  test("to oneself come to oneself", async () => {
    const self = await reader();
    const session = await JsonSession.open(hub.http, self.token);
    await session.send({ to: self.agentId, payload: "note" });
    await until("note", () => session.payloads.includes("note"));
    session.close();
  });

  test("to a channel come to its members, in one order with the rest, and name the channel", async () => {
    const [bob, eve] = [await reader(), await reader()];
    const name = `team-${count}`;
    await alice.post("/channels", { name, members: [bob.agentId] });
    const [from, to, other] = await Promise.all(
      [alice, bob, eve].map((agent) => JsonSession.open(hub.http, agent.token)),
    );
    if (!from || !to || !other) throw new Error("no sessions");
    const sent = await from.send({ to: `#${name}`, payload: "all" });
    expect(sent.status).toBe("accepted");
    await until("channel message", () => to.payloads.includes("all"));
    expect(to.delivered.find(({ payload }) => payload === "all")).toMatchObject({
      channel: name,
      to: `#${name}`,
      from: "alice",
    });
    const refused = await other.send({ to: `#${name}`, payload: "hi" });
    expect(refused.error?.code).toBe("permission_denied");
    for (const session of [from, to, other]) session.close();
  });

  test("a repeated dedupe key gives the first message, and says so, on either wire", async () => {
    const bob = await reader();
    const json = await JsonSession.open(hub.http, alice.token);
    const first = await json.send({ to: bob.agentId, payload: 1, dedupe_key: "k" });
    const second = await json.send({ to: bob.agentId, payload: 2, dedupe_key: "k" });
    expect(first.duplicate).toBeUndefined();
    expect(second).toMatchObject({ message_id: first.message_id, position: first.position, duplicate: true });
    const proto = await ProtoSession.open(hub.http, alice.token);
    proto.say({ send: [{ ref: 1n, to: bob.agentId, payload: Buffer.from("3"), dedupeKey: "k" }] });
    const third = await until("result", () => proto.results[0]);
    expect(third).toMatchObject({ messageId: first.message_id, duplicate: true });
    expect((await bob.get("/messages")).messages()).toHaveLength(1);
    json.close();
    proto.close();
  });

  test("of the largest size, many at once, come through: frames are split, slow readers are not cut", async () => {
    const bob = await reader();
    const name = `large-${count}`;
    await alice.post("/channels", { name, members: [bob.agentId] });
    const to = await JsonSession.open(hub.http, bob.token);
    to.socket.pause();
    const from = await ProtoSession.open(hub.http, alice.token, { noDelivery: true });
    const payload = Buffer.alloc(1_048_576, 0xfe);
    for (let n = 0; n < 12; n++) {
      const address = n % 2 === 0 ? bob.agentId : `#${name}`;
      from.say({ send: [{ ref: BigInt(n + 1), to: address, payload, noReceipts: true }] });
    }
    await until("12 results", () => from.results.length === 12);
    to.socket.resume();
    await to.untilDelivered(12);
    expect(to.socket.readyState).toBe(to.socket.OPEN);
    // The same from the log: all is there before the session opens.
    const again = await JsonSession.open(hub.http, bob.token);
    const most = again.frames[0]?.welcome?.max_frame_bytes ?? 0;
    let largest = 0;
    again.socket.on("message", (data: Buffer) => {
      largest = Math.max(largest, data.length);
    });
    await again.untilDelivered(12);
    expect(largest).toBeLessThanOrEqual(most);
    from.close();
    to.close();
    again.close();
  });
});

describe("a send that cannot be accepted", () => {
  test("is answered by its ref; the others of its frame and the session go on", async () => {
    const bob = await reader();
    const session = await JsonSession.open(hub.http, alice.token);
    const good = { to: bob.agentId, payload: 1 };
    const bad: Readonly<Record<string, readonly [send: unknown, code: string]>> = {
      "no payload": [{ to: bob.agentId }, "invalid_argument"],
      "two payloads": [{ ...good, payload_base64: "AA==" }, "invalid_argument"],
      "not base64": [{ to: bob.agentId, payload_base64: "?" }, "invalid_argument"],
      "base64 that is not its type": [
        { to: bob.agentId, payload_base64: "AA==", content_type: "application/json" },
        "invalid_argument",
      ],
      "a value that is not its type": [{ ...good, content_type: "image/png" }, "invalid_argument"],
      "unknown field": [{ ...good, from: "bob" }, "invalid_argument"],
      "no address": [{ payload: 1 }, "invalid_argument"],
      "empty address": [{ ...good, to: "" }, "invalid_argument"],
      "broken address": [{ ...good, to: "No One" }, "invalid_argument"],
      "unknown agent": [{ ...good, to: "nobody" }, "not_found"],
      "unknown channel": [{ ...good, to: "#nothing" }, "not_found"],
      "another hub": [{ ...good, to: "bob@elsewhere.test" }, "not_found"],
      "wrong priority": [{ ...good, priority: "urgent" }, "invalid_argument"],
      "wrong ttl": [{ ...good, ttl_s: -1 }, "invalid_argument"],
      "wrong type": [{ ...good, sealed: "yes" }, "invalid_argument"],
      "annotation that is no text": [{ ...good, annotations: { a: 1 } }, "invalid_argument"],
      "long dedupe key": [{ ...good, dedupe_key: "k".repeat(257) }, "invalid_argument"],
      "large header": [{ ...good, context_id: "c".repeat(10_000) }, "too_large"],
      "large payload": [{ ...good, payload: "p".repeat(1_048_577) }, "too_large"],
    };
    const sends = Object.entries(bad).map(([ref, [send]]) => ({ ref, ...Object(send) }));
    session.say({ send: [{ ref: "first", ...good }, ...sends, 7, null, [], { ref: "last", ...good }] });
    await until("all results", () => session.results.length === sends.length + 5);
    for (const [ref, [, code]] of Object.entries(bad)) {
      const result = await session.result(ref);
      expect([ref, result.error?.code]).toEqual([ref, code]);
      expect(result.message_id).toBeUndefined();
      expect(result.error?.message).toBeTruthy();
    }
    expect((await session.result("first")).status).toBe("accepted");
    expect((await session.result("last")).status).toBe("accepted");
    expect((await bob.get("/messages")).messages()).toHaveLength(2);
    expect(session.errors).toEqual([]);
    session.close();
  });

  test("on the binary wire too", async () => {
    const session = await ProtoSession.open(hub.http, alice.token, { noDelivery: true });
    const payload = Buffer.from("1");
    session.say({
      send: [
        { ref: 1n, to: "", payload },
        { ref: 2n, to: "nobody", payload },
        { ref: 3n, to: "alice", payload: Buffer.alloc(1_048_577) },
        { ref: 4n, to: "alice", payload, contentType: "a\u0001b" },
        { ref: 5n, to: "alice", payload },
      ],
    });
    await until("results", () => session.results.length === 5);
    const codes = Object.fromEntries(session.results.map(({ ref, error }) => [String(ref), error?.code]));
    expect(codes).toEqual({ 1: 2, 2: 5, 3: 8, 4: 2, 5: undefined });
    session.close();
  });

  test("beyond the rate tells when to come again", async () => {
    const few = await startHub({ env: { MESHKORE_RATE_PER_MINUTE: "3" } });
    try {
      const carol = await few.join("carol");
      const session = await JsonSession.open(few.http, carol.token);
      session.say({
        send: [1, 2, 3, 4, 5].map((ref) => ({ ref, to: "carol", payload: ref, receipts: false })),
      });
      await until("results", () => session.results.length === 5);
      for (const ref of [1, 2, 3]) expect((await session.result(ref)).status).toBe("accepted");
      for (const ref of [4, 5]) {
        const { error } = await session.result(ref);
        expect(error).toMatchObject({ code: "rate_limited", hint: expect.any(String) });
        expect(error?.retry_after_s).toBeGreaterThan(0);
        expect(error?.retry_after_s).toBeLessThanOrEqual(60);
      }
      session.close();
    } finally {
      await few[Symbol.asyncDispose]();
    }
  });
});

describe("frames that are wrong", () => {
  test("broken JSON ends the session with 4400", async () => {
    for (const broken of [
      "",
      "{",
      "nul",
      "[1,]",
      '{"send":',
      "\u{feff}{}",
      `${"[".repeat(200)}${"]".repeat(200)}`,
    ]) {
      const session = await JsonSession.open(hub.http, alice.token);
      session.socket.send(broken);
      expect([broken, (await session.ended).code]).toEqual([broken, 4400]);
      expect(session.errors.at(-1)?.code).toBe("malformed");
    }
  });

  test("JSON that is no frame is told, and the session goes on", async () => {
    const session = await JsonSession.open(hub.http, alice.token);
    const wrong = [
      "1",
      "null",
      "[]",
      '{"sned":[]}',
      '{"send":{}}',
      '{"ack":5}',
      '{"ack":"nonsense"}',
      '{"flow":{"window":-1}}',
      '{"ping":-1}',
    ];
    for (const frame of wrong) session.socket.send(frame);
    await until("errors", () => session.errors.length === wrong.length);
    for (const error of session.errors)
      expect(error).toMatchObject({ code: "invalid_argument", hint: expect.any(String) });
    await session.settled();
    session.close();
  });

  test("a text frame on the binary wire, and bytes that are no message, end it with 4400", async () => {
    for (const data of ["", "{}", Buffer.of(0xff), Buffer.of(0x12, 0x05, 0x01)]) {
      const session = await ProtoSession.open(hub.http, alice.token);
      session.socket.send(data);
      expect((await session.ended).code).toBe(4400);
      expect(session.frames.at(-1)?.error?.code).toBe(1);
    }
  });

  test("JSON in a binary frame is JSON all the same; an empty binary frame says nothing", async () => {
    const json = await JsonSession.open(hub.http, alice.token);
    json.socket.send(Buffer.from('{"ping":5}'));
    await json.frame("pong", ({ pong }) => pong === 5);
    const proto = await ProtoSession.open(hub.http, alice.token);
    proto.socket.send(Buffer.alloc(0));
    proto.say({ ping: 2n ** 60n + 1n });
    await proto.frame("pong", ({ pong }) => pong === 2n ** 60n + 1n);
    json.close();
    proto.close();
  });

  test("one over the limit ends the session with 1009; one right below does not", async () => {
    const session = await JsonSession.open(hub.http, alice.token);
    const most = session.frames[0]?.welcome?.max_frame_bytes ?? 0;
    session.socket.send(`{"ping":1}${" ".repeat(most - 10)}`);
    await session.frame("pong", ({ pong }) => pong === 1);
    session.socket.send(" ".repeat(most + 1));
    expect((await session.ended).code).toBe(1009);
  });

  test("a second hello is told to be too late, and changes nothing", async () => {
    const [bob, eve] = [await reader(), await reader()];
    const session = await JsonSession.open(hub.http, bob.token);
    session.say({ hello: { token: eve.token }, send: [{ ref: 1, to: bob.agentId, payload: "who" }] });
    await session.frame("error", ({ error }) => error?.code === "invalid_argument");
    await until("message", () => session.payloads.includes("who"));
    expect(session.delivered[0]?.from).toBe(bob.agentId);
    session.close();
  });

  test("every ping is answered, every error is told, also when they come at once", async () => {
    const session = await JsonSession.open(hub.http, alice.token);
    for (let ping = 1; ping <= 50; ping++)
      session.say(ping % 2 === 0 ? { ping } : { ack: `9-${ping}`, ping });
    await session.frame("pong", ({ pong }) => pong === 50);
    await until("errors", () => session.errors.length === 25);
    expect(session.frames.flatMap(({ pong }) => pong ?? [])).toEqual(
      Array.from({ length: 50 }, (_, n) => n + 1),
    );
    session.close();
  });

  test("at random end the session as malformed at most, and the hub has nothing to report", async () => {
    const bob = await reader();
    for (let n = 0; n < 60; n++) {
      const [json, proto] = [
        await JsonSession.open(hub.http, bob.token, { no_delivery: true }),
        await ProtoSession.open(hub.http, bob.token, { noDelivery: true }),
      ];
      for (let frame = 0; frame < 5; frame++) {
        const bytes = randomBytes(n * 3 + frame);
        proto.socket.send(bytes);
        // Valid UTF-8 at least: anything else is ended by the listener.
        json.socket.send(bytes.toString("latin1"));
      }
      for (const session of [json, proto]) {
        session.close();
        expect([1000, 1005, 4400]).toContain((await session.ended).code);
      }
    }
    expect((await bob.get("/messages")).messages()).toEqual([]);
    expect(hub.log()).not.toContain('"level":"error"');
  });

  test("sends that nobody waits for are bounded", async () => {
    const session = await ProtoSession.open(hub.http, alice.token, { noDelivery: true });
    const bob = await reader();
    const payload = Buffer.from("1");
    for (let frame = 0; frame < 4; frame++) {
      const send = Array.from({ length: 10_000 }, (_, n) => ({
        ref: BigInt(frame * 10_000 + n + 1),
        to: bob.agentId,
        payload,
        noReceipts: true,
      }));
      session.say({ send });
    }
    await until("a result for each", () => session.results.length === 40_000, 60_000);
    const refused = session.results.filter(({ error }) => error !== undefined);
    for (const { error } of refused) expect(error).toMatchObject({ code: 9, retryAfterS: 1 });
    const page = (await bob.get("/messages?limit=1")).messages();
    expect(page).toHaveLength(1);
    session.close();
  });
});
