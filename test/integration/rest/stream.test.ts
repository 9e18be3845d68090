import { get, type IncomingMessage } from "node:http";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { EventStreamClient } from "../../support/event-stream.ts";
import { startHub, type TestAgent, type TestHub, withHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

let hub: TestHub;
let sender: TestAgent;
let count = 0;

beforeAll(async () => {
  hub = await startHub();
  sender = await hub.join("sender");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

async function send(reader: TestAgent, payload: unknown): Promise<string> {
  const answer = await sender.post("/send", { to: reader.agentId, payload, receipts: false });
  expect(answer.status, answer.text).toBe(202);
  return String(answer.field("position"));
}

/** An agent whose inbox holds the numbers 1…n, and their cursors. */
async function readerWith(n: number): Promise<{ reader: TestAgent; cursors: string[] }> {
  const reader = await hub.join(`reader-${++count}`);
  const cursors: string[] = [];
  for (let payload = 1; payload <= n; payload++) cursors.push(await send(reader, payload));
  return { reader, cursors };
}

function follow(
  reader: TestAgent,
  query = "",
  headers: Readonly<Record<string, string>> = {},
): Promise<EventStreamClient> {
  return EventStreamClient.open(`${hub.http}/messages/stream${query}`, { token: reader.token, headers });
}

const payloads = (client: EventStreamClient): unknown[] => client.messages().map(({ payload }) => payload);

describe("the stream of an inbox", () => {
  test("opens at once with a welcome, and is not kept or gathered by anybody on the way", async () => {
    const { reader } = await readerWith(0);
    const client = await follow(reader);
    await until("the welcome", () => client.events.length === 1);
    const { status, headers } = client.response;
    expect(status).toBe(200);
    expect(headers.get("content-type")).toBe("text/event-stream");
    expect(headers.get("cache-control")).toBe("no-store");
    expect(headers.get("x-accel-buffering")).toBe("no");
    expect(client.retryMs).toBe(3000);
    const welcome = JSON.parse(client.events[0]?.data ?? "");
    expect(client.events[0]).toMatchObject({ event: "welcome", id: welcome.cursor });
    expect(welcome).toMatchObject({ agent_id: reader.agentId, expires_at: expect.stringMatching(/Z$/) });
    client.close();
  });

  test("gives what GET /messages gives, first what is there, then what comes", async () => {
    const { reader, cursors } = await readerWith(3);
    const client = await follow(reader);
    await client.untilMessages(3);
    cursors.push(await send(reader, { live: true }));
    await client.untilMessages(4);
    const page = (await reader.get("/messages")).messages();
    expect(client.messages()).toEqual(page);
    expect(client.events.slice(1).map(({ id }) => id)).toEqual(cursors);
    client.close();
  });

  test("carries every payload as it was sent, line ends between its parts too", async () => {
    const { reader } = await readerWith(0);
    const raw =
      '{\n  "a": [1,\r\n2],\r  "b": "l\\n", "c": 1.0, "d": 12345678901234567890,\n\n "e": "\u2028é😀"\n}';
    await sender.call("POST", "/send", { raw: `{"to":"${reader.agentId}","payload":${raw}}` });
    const client = await follow(reader);
    await client.untilMessages(1);
    expect(client.events[1]?.data).toContain(`"payload":${raw.replace(/\r\n|\r/g, "\n")},"cursor"`);
    client.close();
  });

  test("shows receipts too", async () => {
    const { reader } = await readerWith(0);
    await reader.post("/send", { to: "sender", payload: "?" });
    const client = await follow(reader);
    const page = await sender.get("/messages");
    await sender.post("/messages/ack", { cursor: page.field("cursor") });
    await until("a receipt", () => client.messages().some(({ kind }) => kind === "RECEIPT"));
    client.close();
  });

  test("several of one agent mirror, and a WebSocket's agent is online as one with a stream", async () => {
    const { reader } = await readerWith(1);
    const clients = [await follow(reader), await follow(reader)];
    await send(reader, 2);
    for (const client of clients) {
      await client.untilMessages(2);
      expect(payloads(client)).toEqual([1, 2]);
    }
    expect((await sender.get(`/agents/${reader.agentId}`)).field("online")).toBe(true);
    for (const client of clients) client.close();
  });
});

describe("where it starts", () => {
  test("after what is acknowledged, and it acknowledges nothing itself", async () => {
    const { reader, cursors } = await readerWith(3);
    await reader.post("/messages/ack", { cursor: cursors[0] });
    for (let round = 0; round < 2; round++) {
      const client = await follow(reader);
      await client.untilMessages(2);
      expect(payloads(client)).toEqual([2, 3]);
      client.close();
    }
  });

  test("after the last event's id, which goes before the query", async () => {
    const { reader, cursors } = await readerWith(3);
    const [first = "", second = ""] = cursors;
    const opened = [
      await follow(reader, `?cursor=${second}`),
      await follow(reader, `?last_event_id=${second}`),
      await follow(reader, `?cursor=${first}`, { "last-event-id": second }),
      await follow(reader, `?cursor=${first}&last_event_id=${second}`),
    ];
    for (const client of opened) {
      await client.untilMessages(1);
      expect(payloads(client)).toEqual([3]);
      client.close();
    }
  });

  test("a cursor of nothing is refused as a gap, which an EventSource does not repeat", async () => {
    const { reader } = await readerWith(1);
    const client = await follow(reader, "", { "last-event-id": "1-99" });
    expect(client.response.status).toBe(410);
    expect(await client.response.json()).toMatchObject({ error: { code: "gap" } });
    expect((await follow(reader, "?cursor=nonsense")).response.status).toBe(400);
    expect((await follow(reader, "?window=0")).response.status).toBe(400);
  });
});

describe("flow", () => {
  test("a window bounds what is not acknowledged", async () => {
    const { reader, cursors } = await readerWith(5);
    const client = await follow(reader, "?window=2");
    await client.untilMessages(2);
    // What is answered after this has been given before it.
    await reader.get("/stats");
    expect(payloads(client)).toEqual([1, 2]);
    await reader.post("/messages/ack", { cursor: cursors[1] });
    await client.untilMessages(4);
    expect(payloads(client)).toEqual([1, 2, 3, 4]);
    client.close();
  });

  test("a reader that stops reading misses nothing, and others wait for nothing", async () => {
    const { reader } = await readerWith(0);
    const total = 64;
    const text = "x".repeat(262_144);
    const slow = await new Promise<IncomingMessage>((resolve, reject) => {
      const headers = { authorization: `Bearer ${reader.token}` };
      get(`${hub.http}/messages/stream`, { headers }, resolve).on("error", reject);
    });
    slow.pause();
    const quick = await follow(reader);
    for (let n = 0; n < total; n++) await send(reader, { n, text });
    await quick.untilMessages(total);
    quick.close();
    const numbers: number[] = [];
    let rest = "";
    slow.setEncoding("utf8").on("data", (part: string) => {
      rest += part;
      for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
        const data = /^data: (.*)$/m.exec(rest.slice(0, end))?.[1] ?? "{}";
        const { payload } = JSON.parse(data);
        if (payload !== undefined) numbers.push(payload.n);
        rest = rest.slice(end + 2);
      }
    });
    slow.resume();
    await until("all at the slow one", () => numbers.length === total);
    expect(numbers).toEqual(Array.from({ length: total }, (_, n) => n));
    slow.destroy();
  });
});

describe("who may follow", () => {
  test("an agent with a valid token, its own inbox", async () => {
    const answers = await Promise.all([
      hub.call("GET", "/messages/stream"),
      hub.call("GET", "/messages/stream", { token: "wrong" }),
      hub.admin("GET", "/messages/stream"),
    ]);
    expect(answers.map(({ status }) => status)).toEqual([401, 401, 403]);
  });

  test("HEAD opens nothing", async () => {
    const { reader } = await readerWith(0);
    expect((await reader.call("HEAD", "/messages/stream")).status).toBe(200);
    // Whatever was opened for it would be handed the first message.
    expect(await isAttached(reader)).toBe(false);
  });
});

/** Whether a message to the agent is handed to somebody at once. */
async function isAttached(reader: TestAgent): Promise<boolean> {
  const answer = await sender.post("/send", { to: reader.agentId, payload: "probe", receipts: false });
  const status = await sender.get(`/messages/${answer.field("message_id")}/status`);
  return status.field("status") !== "accepted";
}

describe("how it ends", () => {
  test("with the client: nothing is handed to nobody", async () => {
    const { reader } = await readerWith(0);
    const client = await follow(reader);
    await until("the welcome", () => client.events.length === 1);
    expect(await isAttached(reader)).toBe(true);
    client.close();
    await until("detached", async () => !(await isAttached(reader)));
  });

  test("with the agent: the stream says so", async () => {
    const { reader } = await readerWith(1);
    const client = await follow(reader);
    await client.untilMessages(1);
    await hub.admin("DELETE", `/agents/${reader.agentId}`);
    await client.untilEnded();
    expect(client.events.at(-1)).toMatchObject({ event: "error" });
    expect(JSON.parse(client.events.at(-1)?.data ?? "")).toMatchObject({
      error: { code: "unauthenticated" },
    });
  });

  test("when the hub stops, and goes on after its last event when it is back", () =>
    withHub({}, async (own) => {
      const alice = await own.join("alice");
      const stream = () => `${own.http}/messages/stream`;
      const client = await EventStreamClient.open(stream(), { token: alice.token });
      for (const payload of [1, 2]) await alice.post("/send", { to: "alice", payload, receipts: false });
      await client.untilMessages(2);
      expect(await own.stop()).toBe(0);
      await client.untilEnded();
      const last = client.events.at(-1);
      expect(last?.event).toBe("error");
      expect(JSON.parse(last?.data ?? "")).toMatchObject({
        error: { code: "unavailable", retry_after_s: expect.any(Number) },
      });
      await own.start();
      const { agentId, token } = alice;
      await own.call("POST", "/send", { token, body: { to: agentId, payload: 3, receipts: false } });
      const headers = { "last-event-id": last?.id ?? "" };
      const again = await EventStreamClient.open(stream(), { token, headers });
      await again.untilMessages(1);
      expect(payloads(again)).toEqual([3]);
      again.close();
    }));

  test("no more of them at once than an agent may have sessions", () =>
    withHub({ env: { MESHKORE_SESSIONS_PER_AGENT: "2" } }, async (own) => {
      const alice = await own.join("alice");
      const open = () => EventStreamClient.open(`${own.http}/messages/stream`, { token: alice.token });
      const [first, second, third] = [await open(), await open(), await open()];
      expect([first, second, third].map(({ response }) => response.status)).toEqual([200, 200, 429]);
      first.close();
      await until("room", async () => {
        const next = await open();
        const isOpen = next.response.status === 200;
        next.close();
        return isOpen;
      });
      second.close();
    }));
});
