import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { jsonWire } from "../../support/json-wire.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import type { OutMessage, SendOutcome, SessionWire } from "../../support/session-wire.ts";

const INBOX_MESSAGES = 40;
const PAYLOAD_BYTES = 10_000;

let hub: TestHub;
let sender: TestAgent;
let count = 0;

beforeAll(async () => {
  hub = await startHub({
    env: {
      MESHKORE_INBOX_MAX_MESSAGES: String(INBOX_MESSAGES),
      MESHKORE_INBOX_MAX_BYTES: String(200_000),
      MESHKORE_MAX_PAYLOAD_BYTES: String(PAYLOAD_BYTES),
    },
  });
  sender = await hub.join("sender");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

const newReader = (): Promise<TestAgent> => hub.join(`reader-${++count}`);

/** One send over a session of its own. */
async function sendBy(wire: SessionWire, message: Omit<OutMessage, "ref">): Promise<SendOutcome> {
  const answered = Promise.withResolvers<SendOutcome>();
  const session = await SessionClient.open(
    hub.http,
    wire,
    { token: sender.token, noDelivery: true },
    {
      result: (outcome) => answered.resolve(outcome),
      closed: (code) => answered.reject(new Error(`closed with ${code}`)),
    },
  );
  session.send([{ ref: 1, ...message }]);
  const outcome = await answered.promise;
  await session.close();
  return outcome;
}

describe("the backlog of an inbox", () => {
  test("is bounded by messages: inbox_full on every wire, and room again after an ack", async () => {
    const reader = await newReader();
    const send = () => sender.post("/send", { to: reader.agentId, payload: "x", receipts: false });
    for (let n = 0; n < INBOX_MESSAGES; n++) expect((await send()).status).toBe(202);
    const refused = await send();
    expect(refused.status).toBe(503);
    expect(refused.refusal()).toMatchObject({ code: "inbox_full", retry_after_s: expect.any(Number) });
    expect(refused.headers.get("retry-after")).toMatch(/^\d+$/);
    for (const wire of [protoWire, jsonWire]) {
      const { error } = await sendBy(wire, { to: reader.agentId, payload: "1" });
      expect(error).toBe("inbox_full");
    }
    const page = await reader.get("/messages?limit=2");
    await reader.post("/messages/ack", { cursor: page.field("cursor") });
    expect((await send()).status).toBe(202);
    expect((await sendBy(protoWire, { to: reader.agentId, payload: "1" })).error).toBeUndefined();
    expect((await send()).status).toBe(503);
    // Nothing that was refused is there, and nothing that was accepted is missing.
    const { offset } = await lastOf(reader);
    expect(offset).toBe(INBOX_MESSAGES + 2);
  });

  test("is bounded by bytes", async () => {
    const reader = await newReader();
    const send = () =>
      sender.post("/send", { to: reader.agentId, payload: "y".repeat(9_000), receipts: false });
    let accepted = 0;
    while ((await send()).status === 202) accepted += 1;
    expect(accepted).toBeGreaterThan(15);
    expect(accepted).toBeLessThan(23);
    const page = await reader.get("/messages?limit=500");
    await reader.post("/messages/ack", { cursor: page.field("cursor") });
    expect((await send()).status).toBe(202);
  });

  test("keeps its bound after a kill", async () => {
    const reader = await newReader();
    const send = () => sender.post("/send", { to: reader.agentId, payload: "x", receipts: false });
    for (let n = 0; n < INBOX_MESSAGES; n++) await send();
    await hub.kill();
    await hub.start();
    expect((await send()).status).toBe(503);
  });
});

async function lastOf(reader: TestAgent): Promise<{ offset: number }> {
  const messages = (await reader.get("/messages?limit=500&ack=manual&cursor=1-0")).messages();
  return { offset: Number(messages.at(-1)?.cursor.split("-")[1]) };
}

describe("a payload and a header", () => {
  test("up to the bound pass on every wire, with the same bytes at the end", async () => {
    const reader = await newReader();
    const payload = JSON.stringify("z".repeat(PAYLOAD_BYTES - 2));
    expect((await sender.post("/send", { to: reader.agentId, payload: JSON.parse(payload) })).status).toBe(
      202,
    );
    for (const wire of [protoWire, jsonWire]) {
      expect((await sendBy(wire, { to: reader.agentId, payload })).error).toBeUndefined();
    }
    const messages = (await reader.get("/messages")).messages();
    expect(messages.map((message) => message.payload)).toEqual(Array(3).fill(JSON.parse(payload)));
  });

  test("beyond the bound are refused with too_large, and the session goes on", async () => {
    const reader = await newReader();
    const payload = JSON.stringify("z".repeat(PAYLOAD_BYTES - 1));
    const rest = await sender.post("/send", { to: reader.agentId, payload: JSON.parse(payload) });
    expect([rest.status, rest.refusal().code]).toEqual([413, "too_large"]);
    for (const wire of [protoWire, jsonWire]) {
      expect((await sendBy(wire, { to: reader.agentId, payload })).error).toBe("too_large");
      const long = { to: reader.agentId, payload: "1", contextId: "c".repeat(8200) };
      expect((await sendBy(wire, long)).error).toBe("too_large");
    }
    const long = await sender.post("/send", { to: reader.agentId, payload: 1, context_id: "c".repeat(8200) });
    expect([long.status, long.refusal().code]).toEqual([413, "too_large"]);
    expect((await reader.get("/messages")).messages()).toEqual([]);
  });

  test("a frame beyond the bound ends the session with 1009, a body with 413", async () => {
    const reader = await newReader();
    const payload = JSON.stringify("z".repeat(PAYLOAD_BYTES * 10));
    for (const wire of [protoWire, jsonWire]) {
      await expect(sendBy(wire, { to: reader.agentId, payload })).rejects.toThrow("closed with 1009");
    }
    const rest = await sender.post("/send", { to: reader.agentId, payload: JSON.parse(payload) });
    expect([rest.status, rest.refusal().code]).toEqual([413, "too_large"]);
    expect((await reader.get("/messages")).messages()).toEqual([]);
  });
});
