import { afterAll, beforeAll, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { protoWire } from "../../support/proto-wire.ts";
import { SessionClient } from "../../support/session-client.ts";
import type { InMessage } from "../../support/session-wire.ts";
import { until } from "../../support/until.ts";
import { BatchSender } from "./batch-sender.ts";

let hub: TestHub;
let count = 0;

beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub?.[Symbol.asyncDispose]());

async function pair(): Promise<{ sender: TestAgent; reader: TestAgent }> {
  count += 1;
  return { sender: await hub.join(`sender-${count}`), reader: await hub.join(`reader-${count}`) };
}

async function send(sender: TestAgent, fields: object): Promise<string> {
  const answer = await sender.post("/send", fields);
  expect(answer.status, answer.text).toBe(202);
  return String(answer.field("message_id"));
}

function untilExpired(sender: TestAgent, id: string): Promise<unknown> {
  return until("status expired", async () => {
    return (await sender.get(`/messages/${id}/status`)).field("status") === "expired";
  });
}

test("who sent a message that expired is told by a receipt, once, and by its status, also after a kill", async () => {
  const { sender, reader } = await pair();
  const id = await send(sender, { to: reader.agentId, payload: "late", ttl_s: 0.3 });
  const quiet = await send(sender, { to: reader.agentId, payload: "quiet", ttl_s: 0.3, receipts: false });
  const receipts = async () =>
    (await sender.get("/messages?ack=manual&limit=500"))
      .messages()
      .filter(({ kind }) => kind === "RECEIPT")
      .map(({ payload }) => Object(payload));
  const receipt = await until("the receipt", async () => (await receipts())[0]);
  expect(receipt).toMatchObject({ status: "expired", to: reader.agentId, message_ids: [id] });
  await untilExpired(sender, quiet);
  await hub.kill();
  await hub.start();
  await untilExpired(sender, id);
  await untilExpired(sender, quiet);
  expect((await reader.get("/messages")).messages()).toEqual([]);
  expect(await receipts()).toHaveLength(1);
});

test("what expired takes no room in a reader's window", async () => {
  const { sender, reader } = await pair();
  const got: InMessage[] = [];
  const ids: string[] = [];
  for (let n = 0; n < 5; n++) ids.push(await send(sender, { to: reader.agentId, payload: n, ttl_s: 0.1 }));
  for (const id of ids) await untilExpired(sender, id);
  const session = await SessionClient.open(
    hub.http,
    protoWire,
    { token: reader.token, window: 2, cursor: "1-0" },
    {
      delivered: (messages, client) => {
        got.push(...messages);
        const last = messages.at(-1);
        if (last !== undefined) client.ack(last);
      },
    },
  );
  const writer = await BatchSender.open(hub, sender);
  await writer.sendAll(
    Array.from({ length: 6 }, (_, n) => ({ to: reader.agentId, payload: String(n) })),
    6,
  );
  await until("what lives", () => got.length >= 6);
  expect(got.map(({ payload }) => payload)).toEqual(["0", "1", "2", "3", "4", "5"]);
  await Promise.all([session.close(), writer.close()]);
});

test("what expired does not end a long poll, nor keep it from what comes next", async () => {
  const { sender, reader } = await pair();
  const id = await send(sender, { to: reader.agentId, payload: "late", ttl_s: 0.1 });
  await untilExpired(sender, id);
  const poll = reader.get("/messages?limit=1&wait=15&cursor=1-0&ack=manual");
  // The answer is the same when the message is there first; after so many calls the poll is what waits.
  for (let n = 0; n < 20; n++) await sender.get(`/messages/${id}/status`);
  await send(sender, { to: reader.agentId, payload: "in time" });
  expect((await poll).messages().map(({ payload }) => payload)).toEqual(["in time"]);
});
