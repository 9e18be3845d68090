import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { EventStreamClient } from "../../support/event-stream.ts";
import { startHub, type TestAgent, type TestHub, withHub } from "../../support/hub.ts";

let hub: TestHub;
let alice: TestAgent;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_LOG_LEVEL: "debug" } });
  alice = await hub.join("alice");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

async function ticketOf(agent: TestAgent): Promise<string> {
  const answer = await agent.post("/tickets");
  expect(answer.status, answer.text).toBe(201);
  expect(answer.json).toEqual({
    ticket: expect.stringMatching(/^mkt_[\w-]{43}$/),
    expires_at: expect.stringMatching(/Z$/),
  });
  return String(answer.field("ticket"));
}

const stream = (ticket: string): Promise<EventStreamClient> =>
  EventStreamClient.open(`${hub.http}/messages/stream?ticket=${ticket}`);

/** The first frame, or the code that the socket was closed with. */
function firstOf(socket: WebSocket): Promise<unknown> {
  return new Promise((resolve, reject) => {
    socket.on("message", (data) => {
      const frame = JSON.parse(String(data));
      if (frame.error === undefined) resolve(frame);
    });
    socket.on("close", (code) => resolve(code));
    socket.on("error", reject);
  });
}
const socket = (query: string): WebSocket =>
  new WebSocket(`${hub.http.replace("http", "ws")}/ws${query}`, "meshkore.v1.json");

describe("a ticket", () => {
  test("opens one stream, and no second", async () => {
    const ticket = await ticketOf(alice);
    const client = await stream(ticket);
    expect(client.response.status).toBe(200);
    await alice.post("/send", { to: "alice", payload: "hi", receipts: false });
    await client.untilMessages(1);
    const again = await stream(ticket);
    expect(again.response.status).toBe(401);
    expect(await again.response.json()).toMatchObject({ error: { code: "unauthenticated" } });
    client.close();
  });

  test("opens one WebSocket, and no second", async () => {
    const query = `?ticket=${await ticketOf(alice)}`;
    const first = socket(query);
    expect(await firstOf(first)).toMatchObject({ welcome: { agent_id: "alice" } });
    expect(await firstOf(socket(query))).toBe(4401);
    first.close();
  });

  test("opens nothing else: it is no token, wherever it stands", async () => {
    const ticket = await ticketOf(alice);
    expect((await hub.call("GET", `/stats?ticket=${ticket}`)).status).toBe(401);
    expect((await hub.call("POST", `/keys/rotate?ticket=${ticket}`)).status).toBe(401);
    expect((await hub.call("GET", "/stats", { token: ticket })).status).toBe(401);
    expect(await firstOf(socket(`?ticket=${alice.token}`))).toBe(4401);
    expect((await stream(alice.token)).response.status).toBe(401);
  });

  test("is not used up by a call with a token", async () => {
    const ticket = await ticketOf(alice);
    const url = `${hub.http}/messages/stream?ticket=${ticket}`;
    const client = await EventStreamClient.open(url, { token: alice.token });
    client.close();
    expect((await stream(ticket)).response.status).toBe(200);
  });

  test("gives no more than its credential: what it opened ends with that", async () => {
    const bob = await hub.join("bob");
    const [client, open] = [await stream(await ticketOf(bob)), socket(`?ticket=${await ticketOf(bob)}`)];
    expect(await firstOf(open)).toMatchObject({ welcome: { agent_id: "bob" } });
    const closed = new Promise((resolve) => open.on("close", resolve));
    await hub.admin("DELETE", "/agents/bob");
    await client.untilEnded();
    expect(JSON.parse(client.events.at(-1)?.data ?? "")).toMatchObject({
      error: { code: "unauthenticated" },
    });
    expect(await closed).toBe(4401);
  });

  test("is for agents: neither the operator nor a stranger gets one", async () => {
    expect((await hub.admin("POST", "/tickets")).status).toBe(403);
    expect((await hub.call("POST", "/tickets")).status).toBe(401);
  });

  test("is in no log, used or refused", async () => {
    const ticket = await ticketOf(alice);
    const client = await stream(ticket);
    client.close();
    await stream(ticket);
    expect(hub.log()).toContain("agent.joined");
    expect(hub.log()).not.toContain("mkt_");
  });

  test("that is guessed counts as a wrong attempt", () =>
    withHub({ env: { MESHKORE_ATTEMPTS_PER_MINUTE: "3" } }, async (own) => {
      const guess = async () => {
        const client = await EventStreamClient.open(
          `${own.http}/messages/stream?ticket=mkt_${"x".repeat(43)}`,
        );
        return client.response.status;
      };
      expect([await guess(), await guess(), await guess(), await guess()]).toEqual([401, 401, 401, 429]);
    }));
});
