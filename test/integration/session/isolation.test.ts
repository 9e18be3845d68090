import { randomUUID } from "node:crypto";
import { BinaryWriter, WireType } from "@bufbuild/protobuf/wire";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EMPTY_HEADER } from "../../../src/model/envelope.ts";
import { decodeEnvelope, encodeEnvelope } from "../../../src/model/envelope-codec.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { PRIVATE, PUBLIC, restAttempts } from "./isolation-attempts.ts";
import { JsonSession, ProtoSession } from "./raw-session.ts";

/** Ann and bob talk; eve is a member of the same hub who wants to know, and to speak for them. */
let hub: TestHub;
let ann: TestAgent;
let bob: TestAgent;
let eve: TestAgent;

const SECRET = "the-secret-of-ann-and-bob";
/** What eve got to know somehow: every id and every cursor. She still may get nothing by them. */
const known = { direct: "", failed: "", privately: "", publicly: "", cursors: [] as string[] };

beforeAll(async () => {
  hub = await startHub();
  [ann, bob, eve] = await Promise.all([hub.join("ann"), hub.join("bob"), hub.join("eve")]);
  await hub.join("ghost", { profile: { visibility: "hidden" } });
  await ann.post("/channels", { name: PRIVATE, members: ["bob"], private: true, description: SECRET });
  await ann.post("/channels", { name: PUBLIC, members: ["bob"] });
  known.direct = await idOf(ann.post("/send", { to: "bob", payload: SECRET, dedupe_key: "same" }));
  await idOf(bob.post("/send", { to: "ann", payload: SECRET, reply_to: known.direct }));
  known.failed = await idOf(ann.post("/send", { to: "bob", payload: SECRET }));
  known.privately = await idOf(ann.post(`/channels/${PRIVATE}/send`, { payload: SECRET }));
  known.publicly = await idOf(ann.post(`/channels/${PUBLIC}/send`, { payload: SECRET }));
  const inbox = await until("bob's inbox", async () => {
    const messages = (await bob.get("/messages")).messages();
    return messages.length >= 4 && messages;
  });
  known.cursors = inbox.map(({ cursor }) => cursor);
  await bob.post(`/messages/${known.failed}/processed`, { ok: false, note: SECRET });
});
afterAll(() => hub?.[Symbol.asyncDispose]());

async function idOf(answering: ReturnType<TestAgent["post"]>): Promise<string> {
  const answer = await answering;
  expect(answer.status, answer.text).toBe(202);
  return String(answer.field("message_id"));
}

/** Everything that is ann's and bob's and could change by what eve does. */
async function state(): Promise<unknown> {
  const seen = [];
  for (const agent of [ann, bob]) {
    seen.push(
      (await agent.get("/messages?ack=manual&limit=500")).messages().filter(({ kind }) => kind === "MESSAGE"),
    );
    for (const path of [
      "/channels",
      `/channels/${PRIVATE}/members`,
      `/channels/${PUBLIC}/members`,
      "/blocks",
      "/messages/dead",
    ])
      seen.push([path, (await agent.get(path)).json]);
    seen.push((await agent.get(`/messages/${known.direct}/status`)).field("status"));
    seen.push((await agent.get(`/history/%23${PRIVATE}`)).json);
  }
  return seen;
}

describe("what eve calls over REST", () => {
  test("tells her nothing and changes nothing of theirs", async () => {
    const before = await state();
    expect(JSON.stringify(before).split(SECRET).length).toBeGreaterThan(8);
    for (const { method, path, body, status } of restAttempts(known)) {
      const answer = await eve.call(method, path, body === undefined ? {} : { body });
      expect(status, `${method} ${path}: ${answer.status} ${answer.text}`).toContain(answer.status);
      for (const word of [SECRET, "ghost"]) {
        const asked = path.includes(word);
        expect(!asked && answer.text.includes(word), `${method} ${path} tells of ${word}`).toBe(false);
      }
      if (!path.includes(PRIVATE) && !JSON.stringify(body ?? "").includes(PRIVATE))
        expect(answer.text, `${method} ${path}`).not.toContain(PRIVATE);
    }
    expect(await state()).toEqual(before);
  });

  test("with foreign ids and names is answered as with ones that never were", async () => {
    const pairs: readonly (readonly [
      method: string,
      path: (name: string) => string,
      real: string,
      made: string,
    ])[] = [
      ["GET", (id) => `/messages/${id}/status`, known.direct, randomUUID()],
      ["POST", (id) => `/messages/${id}/processed`, known.direct, randomUUID()],
      ["POST", (id) => `/messages/${id}/redrive`, known.failed, randomUUID()],
      ["GET", (id) => `/messages/${id}/status`, known.privately, randomUUID()],
      ["GET", (name) => `/channels/${name}/history`, PRIVATE, "war-rooms"],
      ["GET", (name) => `/channels/${name}/members`, PRIVATE, "war-rooms"],
      ["POST", (name) => `/channels/${name}/join`, PRIVATE, "war-rooms"],
      ["POST", (name) => `/channels/${name}/leave`, PRIVATE, "war-rooms"],
      ["DELETE", (name) => `/channels/${name}`, PRIVATE, "war-rooms"],
      ["GET", (name) => `/history/%23${name}`, PRIVATE, "war-rooms"],
      ["GET", (name) => `/agents/${name}`, "ghost", "ghoul"],
      ["GET", (name) => `/history/${name}`, "ghost", "ghoul"],
    ];
    for (const [method, path, real, made] of pairs) {
      const [one, two] = [await eve.call(method, path(real)), await eve.call(method, path(made))];
      expect([path("…"), one.status, one.text.replaceAll(real, "…")]).toEqual([
        path("…"),
        two.status,
        two.text.replaceAll(made, "…"),
      ]);
    }
  });

  test("about the network shows her no edge of theirs", async () => {
    const network = JSON.stringify((await eve.get("/network")).field("edges") ?? []);
    expect(network).not.toMatch(/"ann".*"bob"|"bob".*"ann"/);
  });

  test("the name of a channel that was deleted does not bring back what was said there", async () => {
    await ann.post("/channels", { name: "gone", members: ["bob"], private: true });
    await ann.post("/channels/gone/send", { payload: SECRET });
    expect((await ann.call("DELETE", "/channels/gone")).status).toBe(204);
    const taken = await eve.post("/channels", { name: "gone" });
    expect([201, 409]).toContain(taken.status);
    expect((await eve.get("/channels/gone/history")).text).not.toContain(SECRET);
    await eve.post("/channels/gone/send", { payload: "mine" });
    expect((await eve.get("/messages")).text).not.toContain(SECRET);
  });

  test("who leaves a channel hears nothing more of it, and reads nothing of it", async () => {
    await ann.post("/channels", { name: "once", members: ["eve"], private: true });
    expect((await eve.post("/channels/once/leave")).status).toBe(204);
    await ann.post("/channels/once/send", { payload: SECRET });
    await ann.post("/send", { to: "eve", payload: "after" });
    await until("after", async () => (await eve.get("/messages")).text.includes("after"));
    expect((await eve.get("/messages")).text).not.toContain(SECRET);
    expect((await eve.get("/channels/once/history")).status).toBe(404);
  });
});

describe("what eve says in a session", () => {
  test("brings her nothing of theirs and moves nothing of theirs", async () => {
    const before = await state();
    const session = await JsonSession.open(hub.http, eve.token);
    const frames: readonly object[] = [
      ...known.cursors.slice(1).map((ack) => ({ ack })),
      { ack: "1-999" },
      { hello: { token: eve.token, cursor: "1-1" } },
      { hello: { token: eve.token, agent_id: "bob" } },
      { attach: "inbox/bob" },
      { from: "bob", ping: 1 },
      { flow: { resume: true, window: 1_000_000 } },
    ];
    for (const frame of frames) session.say(frame);
    await session.settled();
    for (const cursor of known.cursors.slice(1)) {
      const resuming = await JsonSession.connect(hub.http);
      resuming.say({ hello: { token: eve.token, cursor } });
      const { code } = await Promise.race([
        resuming.ended,
        resuming.frame("welcome", (each) => each.welcome !== undefined).then(() => ({ code: 0 })),
      ]);
      expect([0, 4410]).toContain(code);
      expect(JSON.stringify(resuming.frames)).not.toContain(SECRET);
      resuming.close();
    }
    expect(JSON.stringify(session.frames)).not.toContain(SECRET);
    expect(session.frames.map(({ welcome }) => welcome?.agent_id).filter(Boolean)).toEqual(["eve"]);
    session.close();
    expect(await state()).toEqual(before);
  });

  test("to where she may not is refused as for what never was", async () => {
    const session = await JsonSession.open(hub.http, eve.token);
    const error = async (to: string) => (await session.send({ to, payload: 1 })).error;
    expect(await error(`#${PRIVATE}`)).toEqual(await error("#war-rooms"));
    expect((await error(`#${PUBLIC}`))?.code).toBe("permission_denied");
    for (const to of ["inbox/bob", "channel/war-room", "link/x", "hub", "", "bob\nann"])
      expect(["invalid_argument", "not_found"]).toContain((await error(to))?.code);
    session.close();
  });

  test("as a reply to what she does not know goes as hers, and tells her nothing", async () => {
    const session = await JsonSession.open(hub.http, eve.token);
    const reader = await JsonSession.open(hub.http, bob.token, { cursor: known.cursors.at(-1) });
    const ids = [known.direct, randomUUID()];
    const results = [];
    for (const reply_to of ids)
      results.push(await session.send({ to: "bob", payload: "re", reply_to, receipts: false }));
    expect(results.map(({ status }) => status)).toEqual(["accepted", "accepted"]);
    await until("both", () => reader.payloads.filter((payload) => payload === "re").length === 2);
    for (const message of reader.delivered.filter(({ payload }) => payload === "re"))
      expect(message.from).toBe("eve");
    session.close();
    reader.close();
  });

  test("with ann's dedupe key is no repeat of ann's message", async () => {
    const session = await JsonSession.open(hub.http, eve.token);
    const keys = ["same", "ann\nsame", "\nann\nsame"];
    for (const dedupe_key of keys) {
      const result = await session.send({ to: "bob", payload: "copy", dedupe_key, receipts: false });
      expect(result.duplicate).toBeUndefined();
      expect(result.message_id).not.toBe(known.direct);
    }
    session.close();
  });
});

describe("what eve sends comes from eve", () => {
  const forgedHeader = {
    ...EMPTY_HEADER,
    id: randomUUID(),
    from: "ann",
    to: "bob",
    contentType: "text/plain",
  };
  const payloads: readonly (readonly [what: string, payload: Buffer, contentType: string])[] = [
    ["JSON with from", Buffer.from('{"from":"ann","id":"x"}'), "application/json"],
    ["JSON that would close the object", Buffer.from('1,"from":"ann","x":2'), "application/json"],
    ["JSON with a key twice", Buffer.from('{}},{"from":"ann"'), "application/json"],
    ["text with quotes", Buffer.from('","from":"ann'), "text/plain"],
    ["a whole envelope", encodeEnvelope(forgedHeader, Buffer.from("x")), "application/octet-stream"],
    ["a channel pointer", Buffer.concat([Buffer.of(0), Buffer.from(`${PRIVATE}/1/1`)]), ""],
    ["nothing", Buffer.alloc(0), "application/json"],
  ];

  test.each(payloads)("%s", async (_what, payload, contentType) => {
    const [json, proto] = [
      await JsonSession.open(hub.http, bob.token),
      await ProtoSession.open(hub.http, bob.token),
    ];
    const session = await ProtoSession.open(hub.http, eve.token, { noDelivery: true });
    session.say({ send: [{ ref: 1n, to: "bob", payload, contentType, noReceipts: true }] });
    const { messageId } = await until("result", () => session.results[0]);
    const shown = await until("on the JSON wire", () => json.delivered.find(({ id }) => id === messageId));
    expect(shown).toMatchObject({ from: "eve", to: "bob", kind: "MESSAGE" });
    const envelope = await until("on the binary wire", () =>
      proto.delivered
        .map((each) => decodeEnvelope(each.envelope))
        .find(({ header }) => header.id === messageId),
    );
    expect(envelope.header).toMatchObject({ from: "eve", to: "bob", kind: "MESSAGE", via: [] });
    expect(Buffer.compare(envelope.payload, payload)).toBe(0);
    for (const each of [json, proto, session]) each.close();
  });

  test("also with fields in the frame that nobody knows", async () => {
    const text = (writer: BinaryWriter, field: number, value: string) =>
      writer.tag(field, WireType.LengthDelimited).string(value);
    const send = new BinaryWriter();
    text(send, 1, "bob");
    send.tag(2, WireType.LengthDelimited).bytes(Buffer.from("forged"));
    for (const field of [14, 16, 17, 18, 19, 20, 100]) text(send, field, "ann");
    send.tag(15, WireType.Varint).uint64(1n);
    const hello = new BinaryWriter();
    text(hello, 1, eve.token);
    for (const field of [5, 6, 7]) text(hello, field, "ann");
    const frame = new BinaryWriter();
    frame.tag(1, WireType.LengthDelimited).bytes(hello.finish());
    frame.tag(2, WireType.LengthDelimited).bytes(send.finish());
    for (const field of [6, 7, 8, 15]) text(frame, field, "ann");
    const session = await ProtoSession.connect(hub.http);
    session.socket.send(frame.finish());
    const { messageId } = await until("result", () => session.results[0]);
    expect(session.frames[0]?.welcome?.agentId).toBe("eve");
    const reader = await ProtoSession.open(hub.http, bob.token);
    const found = await until("delivery", () =>
      reader.delivered
        .map((each) => decodeEnvelope(each.envelope))
        .find(({ header }) => header.id === messageId),
    );
    expect(found.header.from).toBe("eve");
    session.close();
    reader.close();
  });

  test("annotations, via and kinds are not hers to make the hub's", async () => {
    const session = await JsonSession.open(hub.http, eve.token);
    for (const fields of [
      { kind: "RECEIPT" },
      { from: "hub" },
      { via: ["x"] },
      { id: known.direct },
      { created_at: "2020" },
    ])
      expect((await session.send({ to: "bob", payload: { status: "read" }, ...fields })).error?.code).toBe(
        "invalid_argument",
      );
    const noted = await session.send({
      to: "bob",
      payload: 1,
      annotations: { from: "ann", ["__proto__"]: "x" },
      receipts: false,
    });
    const message = (await bob.get("/messages?ack=manual&limit=500"))
      .messages()
      .find(({ id }) => id === noted.message_id);
    expect(message).toMatchObject({ from: "eve", kind: "MESSAGE" });
    session.close();
  });
});

describe("blocks", () => {
  test("hold at once, in sessions that are open too, and are the owner's alone", async () => {
    const session = await JsonSession.open(hub.http, eve.token);
    expect((await session.send({ to: "bob", payload: "before", receipts: false })).status).toBe("accepted");
    expect((await bob.post("/blocks", { agent: "eve" })).status).toBeLessThan(300);
    expect((await session.send({ to: "bob", payload: "blocked" })).error?.code).toBe("permission_denied");
    expect((await eve.call("DELETE", "/blocks/eve")).status).toBe(404);
    expect((await eve.get("/blocks")).text).not.toContain("bob");
    expect((await eve.post("/channels", { name: "trap", members: ["bob"] })).status).toBe(403);
    expect((await ann.post("/send", { to: "bob", payload: "friend", receipts: false })).status).toBe(202);
    expect((await bob.get("/messages?limit=500")).text).not.toContain("blocked");
    await bob.call("DELETE", "/blocks/eve");
    expect((await session.send({ to: "bob", payload: "again", receipts: false })).status).toBe("accepted");
    session.close();
  });
});

describe("in the end", () => {
  test("eve's inbox holds nothing of theirs, and every session of hers was hers", async () => {
    const session = await JsonSession.open(hub.http, eve.token, { cursor: "0-0" });
    await session.settled();
    await until("delivery has caught up", () => session.delivered.length > 0);
    expect(JSON.stringify(session.frames)).not.toContain(SECRET);
    for (const message of session.delivered) expect(["eve", "#trap", "#gone", "#once"]).toContain(message.to);
    session.close();
  });
});
