import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import type { RestMessage } from "../../support/rest-client.ts";
import { until } from "../../support/until.ts";

let hub: TestHub;
let count = 0;

beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub?.[Symbol.asyncDispose]());

interface Pair {
  readonly sender: TestAgent;
  readonly reader: TestAgent;
}

async function pair(): Promise<Pair> {
  count += 1;
  return { sender: await hub.join(`sender-${count}`), reader: await hub.join(`reader-${count}`) };
}

async function send({ sender, reader }: Pair, fields: object = {}): Promise<string> {
  const answer = await sender.post("/send", { to: reader.agentId, payload: "x", ...fields });
  expect(answer.status, answer.text).toBe(202);
  return String(answer.field("message_id"));
}

function untilStatus(agent: TestAgent, id: string, wanted: string): Promise<unknown> {
  return until(`status ${wanted}`, async () => {
    const answer = await agent.get(`/messages/${id}/status`);
    return answer.field("status") === wanted && answer.json;
  });
}

/** Receipts in the inbox that tell of the message, oldest first. */
async function receiptsOf(agent: TestAgent, id: string): Promise<readonly RestMessage[]> {
  const messages = (await agent.get("/messages?limit=500")).messages();
  return messages.filter(({ kind, payload }) => kind === "RECEIPT" && JSON.stringify(payload).includes(id));
}

describe("the ladder", () => {
  test("accepted, delivered, read, processed: each when it is so, for both sides", async () => {
    const both = await pair();
    const { sender, reader } = both;
    const id = await send(both);
    const accepted = await sender.get(`/messages/${id}/status`);
    expect(accepted.json).toMatchObject({
      message_id: id,
      status: "accepted",
      at: expect.stringMatching(/Z$/),
    });
    const page = await reader.get("/messages");
    await untilStatus(sender, id, "delivered");
    await reader.post("/messages/ack", { cursor: page.field("cursor") });
    await untilStatus(sender, id, "read");
    expect((await reader.get(`/messages/${id}/status`)).field("status")).toBe("read");
    const processed = await reader.post(`/messages/${id}/processed`, { note: "done" });
    expect(processed.status).toBe(200);
    expect(await untilStatus(sender, id, "processed")).toMatchObject({ note: "done" });
  });

  test("failed, with the reason; the sender finds it among the dead and sends it again", async () => {
    const both = await pair();
    const { sender, reader } = both;
    const id = await send(both, { payload: { job: 7 } });
    await reader.get("/messages");
    expect((await reader.post(`/messages/${id}/processed`, { ok: false, note: "cannot" })).status).toBe(200);
    expect(await untilStatus(sender, id, "failed")).toMatchObject({ note: "cannot" });
    const dead = (await sender.get("/messages/dead")).field("messages");
    expect(dead).toEqual([
      expect.objectContaining({
        message_id: id,
        to: reader.agentId,
        status: "failed",
        reason: expect.stringContaining("cannot"),
      }),
    ]);
    const again = await sender.post(`/messages/${id}/redrive`);
    expect(again.status).toBe(202);
    expect(again.field("message_id")).not.toBe(id);
    const messages = (await reader.get("/messages")).messages();
    expect(messages.find((message) => message.id === again.field("message_id"))?.payload).toEqual({ job: 7 });
  });

  test("expired: nobody is handed it any more", async () => {
    const both = await pair();
    const { sender, reader } = both;
    const id = await send(both, { ttl_s: 0.2 });
    const kept = await send(both, { payload: "kept" });
    await untilStatus(sender, id, "expired");
    const messages = (await reader.get("/messages")).messages();
    expect(messages.map((message) => message.id)).toEqual([kept]);
    const dead = await until("the dead message", async () => {
      const list = (await sender.get("/messages/dead")).field("messages");
      return Array.isArray(list) && list.length > 0 && list;
    });
    expect(dead).toEqual([expect.objectContaining({ message_id: id, status: "expired" })]);
    expect((await reader.get("/messages/dead")).field("messages")).toEqual([]);
  });

  test("a message that only its receiver may report on", async () => {
    const both = await pair();
    const id = await send(both);
    expect([403, 404]).toContain((await both.sender.post(`/messages/${id}/processed`, {})).status);
  });
});

describe("receipts", () => {
  test("come as messages of kind RECEIPT", async () => {
    const both = await pair();
    const { sender, reader } = both;
    const id = await send(both);
    const page = await reader.get("/messages");
    await reader.post("/messages/ack", { cursor: page.field("cursor") });
    const receipt = await until("the read receipt", async () => {
      const receipts = await receiptsOf(sender, id);
      return receipts.find(({ payload }) => Object(payload).status === "read");
    });
    expect(receipt.kind).toBe("RECEIPT");
  });

  test("raise no receipts", async () => {
    const both = await pair();
    const { sender, reader } = both;
    const id = await send(both);
    await reader.get("/messages");
    await until("a receipt", async () => (await receiptsOf(sender, id)).length > 0);
    const page = await sender.get("/messages");
    await sender.post("/messages/ack", { cursor: page.field("cursor") });
    await reader.post(`/messages/${id}/processed`, {});
    await until("the last receipt", async () =>
      (await receiptsOf(sender, id)).some(({ payload }) => Object(payload).status === "processed"),
    );
    const kinds = (await reader.get("/messages")).messages().map((message) => message.kind);
    expect(kinds).not.toContain("RECEIPT");
  });

  test("receipts:false prevents them", async () => {
    const both = await pair();
    const { sender, reader } = both;
    const silent = await send(both, { receipts: false });
    const loud = await send(both);
    const page = await reader.get("/messages");
    await reader.post("/messages/ack", { cursor: page.field("cursor") });
    await reader.post(`/messages/${silent}/processed`, {});
    await reader.post(`/messages/${loud}/processed`, {});
    await until("the loud one's receipt", async () =>
      (await receiptsOf(sender, loud)).some(({ payload }) => Object(payload).status === "processed"),
    );
    expect(await receiptsOf(sender, silent)).toEqual([]);
    expect((await sender.get(`/messages/${silent}/status`)).field("status")).toBe("processed");
  });
});

describe("dedupe", () => {
  test("a repeat gives the first message's id and appends nothing", async () => {
    const both = await pair();
    const { sender, reader } = both;
    const body = { to: reader.agentId, payload: 1, dedupe_key: "order-1" };
    const first = await sender.post("/send", body);
    const repeats = await Promise.all([1, 2, 3].map((payload) => sender.post("/send", { ...body, payload })));
    for (const repeat of repeats) {
      expect(repeat.status).toBe(202);
      expect(repeat.json).toEqual({ ...Object(first.json), duplicate: true });
    }
    expect(first.json).not.toHaveProperty("duplicate");
    expect((await reader.get("/messages")).messages().map((message) => message.payload)).toEqual([1]);
  });

  test("keys of different senders do not meet", async () => {
    const one = await pair();
    const other = await hub.join(`other-${count}`);
    const body = { to: one.reader.agentId, payload: 1, dedupe_key: "same" };
    await one.sender.post("/send", body);
    expect((await other.post("/send", { ...body, payload: 2 })).json).not.toHaveProperty("duplicate");
    expect((await one.reader.get("/messages")).messages()).toHaveLength(2);
  });
});

describe("privacy", () => {
  test("a third agent reads nothing, learns nothing, changes nothing", async () => {
    const both = await pair();
    const { sender, reader } = both;
    const eve = await hub.join(`eve-${count}`);
    const id = await send(both, { payload: "secret" });
    const position = (await reader.get("/messages?ack=manual")).field("cursor");
    for (const [method, path] of [
      ["GET", `/messages/${id}/status`],
      ["POST", `/messages/${id}/processed`],
      ["POST", `/messages/${id}/redrive`],
    ] as const) {
      const answer = await eve.call(method, path);
      expect(answer.status, path).toBe(404);
      expect(answer.text).not.toContain("secret");
    }
    expect((await eve.get("/messages")).messages()).toEqual([]);
    expect((await eve.get(`/history/${sender.agentId}`)).messages()).toEqual([]);
    expect((await eve.get(`/history/${reader.agentId}`)).messages()).toEqual([]);
    expect((await eve.get("/messages/dead")).field("messages")).toEqual([]);
    expect((await eve.post("/messages/ack", { cursor: position })).status).toBe(410);
    expect((await reader.get("/messages")).messages().map((message) => message.payload)).toEqual(["secret"]);
    expect((await sender.get(`/messages/${id}/status`)).field("status")).not.toBe("processed");
  });
});

describe("history", () => {
  test("holds both directions, newest first, the same for both, in pages", async () => {
    const { sender, reader } = await pair();
    const said: string[] = [];
    for (let n = 0; n < 6; n++) {
      const [from, to] = n % 2 === 0 ? [sender, reader] : [reader, sender];
      said.push(`line ${n}`);
      await from.post("/send", { to: to.agentId, payload: `line ${n}`, receipts: n % 3 === 0 });
    }
    await (await hub.join(`noise-${count}`)).post("/send", { to: reader.agentId, payload: "noise" });
    const page = await reader.get("/messages");
    await reader.post("/messages/ack", { cursor: page.field("cursor") });
    const newestFirst = said.toReversed();
    for (const [agent, peer] of [
      [sender, reader],
      [reader, sender],
    ] as const) {
      const whole = (await agent.get(`/history/${peer.agentId}`)).messages();
      expect(whole.map((message) => message.payload)).toEqual(newestFirst);
      expect(await pagedHistory(agent, peer.agentId, 2)).toEqual(newestFirst);
    }
  });
});

async function pagedHistory(agent: TestAgent, peer: string, limit: number): Promise<unknown[]> {
  const payloads: unknown[] = [];
  let query = `limit=${limit}`;
  for (let page = 0; page < 100; page++) {
    const answer = await agent.get(`/history/${peer}?${query}`);
    const messages = answer.messages();
    expect(messages.length).toBeLessThanOrEqual(limit);
    payloads.push(...messages.map((message) => message.payload));
    const cursor = answer.field("cursor");
    if (typeof cursor !== "string") return payloads;
    query = `limit=${limit}&cursor=${encodeURIComponent(cursor)}`;
  }
  throw new Error("the history has no end");
}
