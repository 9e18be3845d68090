import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";

let hub: TestHub;
let sender: TestAgent;
let count = 0;

beforeAll(async () => {
  hub = await startHub();
  sender = await hub.join("sender");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

/** An agent whose inbox holds the numbers 1…n. */
async function readerWith(n: number): Promise<TestAgent> {
  const reader = await hub.join(`reader-${++count}`);
  for (let payload = 1; payload <= n; payload++) await send(reader, payload);
  return reader;
}

async function send(reader: TestAgent, payload: unknown): Promise<string> {
  const answer = await sender.post("/send", { to: reader.agentId, payload, receipts: false });
  expect(answer.status, answer.text).toBe(202);
  return String(answer.field("message_id"));
}

async function read(
  reader: TestAgent,
  query = "",
): Promise<{ payloads: unknown[]; cursor: string; cursors: string[] }> {
  const answer = await reader.get(`/messages${query}`);
  expect(answer.status, answer.text).toBe(200);
  const messages = answer.messages();
  return {
    payloads: messages.map((message) => message.payload),
    cursor: String(answer.field("cursor")),
    cursors: messages.map((message) => message.cursor),
  };
}

describe("a page of the inbox", () => {
  test("looks as the table says", async () => {
    const reader = await hub.join("shape");
    const sent = await sender.post("/send", {
      to: "shape",
      payload: { n: 1 },
      reply_to: undefined,
      dedupe_key: "k",
    });
    const { json } = await reader.get("/messages");
    expect(json).toEqual({
      messages: [
        expect.objectContaining({
          id: sent.field("message_id"),
          kind: "MESSAGE",
          from: "sender",
          to: "shape",
          payload: { n: 1 },
          created_at: expect.stringMatching(/Z$/),
          cursor: sent.field("position"),
        }),
      ],
      cursor: sent.field("position"),
    });
  });

  test("every JSON value comes out as the bytes that went in", async () => {
    const reader = await hub.join("values");
    const values = [
      "0",
      "-0",
      '"x"',
      "null",
      "false",
      "[]",
      "{}",
      '{"b": 1.0, "a":1e400}',
      "12345678901234567890",
      '"\\ud83d\\ude00"',
    ];
    for (const value of values) {
      await sender.call("POST", "/send", { raw: `{"to":"values","payload":${value}}` });
    }
    const { text } = await reader.get("/messages");
    const at = values.map((value) => text.indexOf(`"payload":${value},"cursor"`));
    expect(at.every((index) => index > 0)).toBe(true);
    expect([...at].sort((one, other) => one - other)).toEqual(at);
  });

  test("bytes and text travel too", async () => {
    const reader = await hub.join("bytes");
    await sender.post("/send", { to: "bytes", payload_base64: "AP8=", content_type: "image/png" });
    await sender.post("/send", { to: "bytes", payload: "héllo", content_type: "text/plain; charset=utf-8" });
    const messages = (await reader.get("/messages")).messages();
    expect(messages[0]).toMatchObject({ payload_base64: "AP8=", content_type: "image/png" });
    expect(messages[1]).toMatchObject({ payload: "héllo", content_type: "text/plain" });
  });
});

describe("cursors", () => {
  test("without one, what is not acknowledged comes again", async () => {
    const reader = await readerWith(3);
    expect((await read(reader)).payloads).toEqual([1, 2, 3]);
    expect((await read(reader)).payloads).toEqual([1, 2, 3]);
  });

  test("giving the last one acknowledges up to it", async () => {
    const reader = await readerWith(3);
    const first = await read(reader, "?limit=2");
    expect(first.payloads).toEqual([1, 2]);
    expect(first.cursor).toBe(first.cursors.at(-1));
    expect((await read(reader, `?cursor=${first.cursor}`)).payloads).toEqual([3]);
    expect((await read(reader)).payloads).toEqual([3]);
  });

  test("ack=manual reads on without acknowledging", async () => {
    const reader = await readerWith(3);
    const first = await read(reader, "?limit=2&ack=manual");
    expect((await read(reader, `?cursor=${first.cursor}&ack=manual`)).payloads).toEqual([3]);
    expect((await read(reader)).payloads).toEqual([1, 2, 3]);
    expect((await reader.post("/messages/ack", { cursor: first.cursors[0] })).status).toBe(204);
    expect((await read(reader)).payloads).toEqual([2, 3]);
  });

  test("acks only move forward", async () => {
    const reader = await readerWith(3);
    const { cursors } = await read(reader);
    await reader.post("/messages/ack", { cursor: cursors[1] });
    expect((await reader.post("/messages/ack", { cursor: cursors[0] })).status).toBe(204);
    expect((await read(reader)).payloads).toEqual([3]);
    expect((await read(reader, `?cursor=${cursors[0]}`)).payloads).toEqual([2, 3]);
    expect((await read(reader)).payloads).toEqual([3]);
  });

  test("an empty page repeats the cursor", async () => {
    const reader = await readerWith(2);
    const { cursor } = await read(reader);
    const empty = await read(reader, `?cursor=${cursor}`);
    expect(empty).toEqual({ payloads: [], cursor, cursors: [] });
    expect((await read(reader)).cursor).toBe(cursor);
    await send(reader, "next");
    expect((await read(reader, `?cursor=${empty.cursor}`)).payloads).toEqual(["next"]);
  });

  test("an inbox that never had a message has a cursor as well", async () => {
    const reader = await readerWith(0);
    const { payloads, cursor } = await read(reader);
    expect(payloads).toEqual([]);
    await send(reader, 1);
    expect((await read(reader, `?cursor=${cursor}`)).payloads).toEqual([1]);
  });

  test("one from the future is a gap", async () => {
    const reader = await readerWith(1);
    const { cursor } = await read(reader);
    const [epoch] = cursor.split("-");
    for (const future of [`${epoch}-99`, `${Number(epoch) + 1}-1`]) {
      const answer = await reader.get(`/messages?cursor=${future}&ack=manual`);
      expect(answer.status, future).toBe(410);
      expect(answer.refusal().code).toBe("gap");
      const ack = await reader.post("/messages/ack", { cursor: future });
      expect(ack.status).toBe(410);
    }
    expect((await read(reader)).payloads).toEqual([1]);
  });

  test("the limit is clamped", async () => {
    const reader = await readerWith(0);
    const total = 503;
    const sends = Array.from({ length: total }, (_, n) => send(reader, n));
    await Promise.all(sends);
    expect((await read(reader, "?limit=100000")).payloads).toHaveLength(500);
    expect((await read(reader, "?limit=0")).payloads).toHaveLength(1);
    expect((await read(reader)).payloads).toHaveLength(100);
  });
});

describe("waiting", () => {
  test("a message wakes it", async () => {
    const reader = await readerWith(0);
    const startedMs = performance.now();
    const waiting = read(reader, "?wait=25");
    await reader.get("/stats");
    await send(reader, "wake");
    expect((await waiting).payloads).toEqual(["wake"]);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test("it ends empty when nothing comes, and not before", async () => {
    const reader = await readerWith(0);
    const startedMs = performance.now();
    expect((await read(reader, "?wait=0.5")).payloads).toEqual([]);
    expect(performance.now() - startedMs).toBeGreaterThanOrEqual(480);
  });

  test("it does not wait when there is something", async () => {
    const reader = await readerWith(1);
    const startedMs = performance.now();
    expect((await read(reader, "?wait=25")).payloads).toEqual([1]);
    expect(performance.now() - startedMs).toBeLessThan(20_000);
  });

  test("it ends when the client goes away: nothing is said to be delivered to nobody", async () => {
    const reader = await readerWith(0);
    const caller = new AbortController();
    const waiting = reader.call("GET", "/messages?wait=60", { signal: caller.signal });
    await reader.get("/stats");
    caller.abort();
    await expect(waiting).rejects.toThrow();
    // The hub handles sockets in turn: after these it has seen the closed one.
    for (let n = 0; n < 5; n++) await reader.get("/stats");
    const id = await send(reader, "later");
    for (let n = 0; n < 5; n++) await reader.get("/stats");
    expect((await sender.get(`/messages/${id}/status`)).field("status")).toBe("accepted");
    expect((await read(reader)).payloads).toEqual(["later"]);
  });

  test("several waits of one agent mirror", async () => {
    const reader = await readerWith(0);
    const waits = [read(reader, "?wait=25"), read(reader, "?wait=25")];
    await reader.get("/stats");
    await send(reader, 1);
    for (const page of await Promise.all(waits)) expect(page.payloads).toEqual([1]);
  });
});

describe("request and reply", () => {
  test("POST /send?wait brings the reply", async () => {
    const worker = await readerWith(0);
    const asking = sender.post("/send?wait=25", { to: worker.agentId, payload: "2+2" });
    const question = (await worker.get("/messages?wait=25")).messages()[0];
    await worker.post("/send", { to: "sender", payload: 4, reply_to: question?.id });
    const answer = await asking;
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({
      message_id: question?.id,
      reply: { from: worker.agentId, reply_to: question?.id, payload: 4 },
    });
  });

  test("202 and no reply when none comes in time; the message is accepted all the same", async () => {
    const worker = await readerWith(0);
    const answer = await sender.post("/send?wait=0.3", { to: worker.agentId, payload: "?" });
    expect(answer.status).toBe(202);
    expect(answer.field("reply")).toBeNull();
    expect((await read(worker)).payloads).toEqual(["?"]);
  });

  test("the reply stays in the inbox until it is acknowledged", async () => {
    const asker = await hub.join("asker");
    const worker = await readerWith(0);
    const asking = asker.post("/send?wait=25", { to: worker.agentId, payload: 1, receipts: false });
    const question = (await worker.get("/messages?wait=25")).messages()[0];
    await worker.post("/send", { to: "asker", payload: 2, reply_to: question?.id, receipts: false });
    await asking;
    expect((await read(asker)).payloads).toEqual([2]);
  });
});
