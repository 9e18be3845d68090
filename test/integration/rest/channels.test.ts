import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

let hub: TestHub;
let owner: TestAgent;
let member: TestAgent;
let other: TestAgent;

beforeAll(async () => {
  hub = await startHub();
  owner = await hub.join("owner");
  member = await hub.join("member");
  other = await hub.join("other");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

/** Waits for the fan-out, which runs behind the accepted send. */
function untilPayload(agent: TestAgent, payload: unknown) {
  return until(`${JSON.stringify(payload)} for ${agent.agentId}`, async () => {
    const messages = (await agent.get("/messages?limit=500")).messages();
    return messages.find((message) => message.payload === payload);
  });
}

async function namesSeenBy(agent: TestAgent): Promise<unknown[]> {
  const channels = (await agent.get("/channels?limit=500")).field("channels");
  return Array.isArray(channels) ? channels.map((channel) => Object(channel).name) : [];
}

describe("a channel", () => {
  test("is made with its members, who get what is sent at once", async () => {
    const made = await owner.post("/channels", { name: "team", members: ["member"], description: "us" });
    expect(made.status).toBe(201);
    expect(made.json).toMatchObject({
      id: "team",
      name: "team",
      owner: "owner",
      private: false,
      member_count: 2,
    });
    const sent = await owner.post("/channels/team/send", { payload: "hello" });
    expect(sent.status).toBe(202);
    expect(await untilPayload(member, "hello")).toMatchObject({
      id: sent.field("message_id"),
      kind: "MESSAGE",
      from: "owner",
      channel: "team",
    });
    expect((await other.get("/messages")).messages()).toEqual([]);
  });

  test("takes #name on POST /send too", async () => {
    expect((await member.post("/send", { to: "#team", payload: "from member" })).status).toBe(202);
    expect(await untilPayload(owner, "from member")).toMatchObject({ channel: "team", from: "member" });
  });

  test("keeps the order of what is sent", async () => {
    await owner.post("/channels", { name: "order", members: ["other"] });
    for (let n = 0; n < 20; n++) await owner.post("/channels/order/send", { payload: n, receipts: false });
    await untilPayload(other, 19);
    const messages = (await other.get("/messages?limit=500")).messages();
    const numbers = messages
      .filter((message) => message.channel === "order")
      .map((message) => message.payload);
    expect(numbers).toEqual(Array.from({ length: 20 }, (_, n) => n));
  });

  test("is taken only once", async () => {
    const again = await other.post("/channels", { name: "team" });
    expect(again.status).toBe(409);
    expect(again.refusal().code).toBe("already_exists");
    expect((await other.post("/channels", { name: "Not A Name" })).status).toBe(400);
    expect((await other.post("/channels", { name: "ghosts", members: ["nobody"] })).status).toBe(404);
  });

  test("is joined and left", async () => {
    await owner.post("/channels", { name: "open" });
    expect((await member.post("/channels/open/send", { payload: 1 })).status).toBe(403);
    expect((await member.post("/channels/open/join")).status).toBe(200);
    expect((await member.get("/channels/open/members")).field("members")).toEqual(
      expect.arrayContaining(["owner", "member"]),
    );
    await owner.post("/channels/open/send", { payload: "while in" });
    await untilPayload(member, "while in");
    expect((await member.post("/channels/open/leave")).status).toBe(204);
    await owner.post("/channels/open/members", { members: ["other"] });
    await owner.post("/channels/open/send", { payload: "after" });
    await untilPayload(other, "after");
    const payloads = (await member.get("/messages?limit=500")).messages().map((message) => message.payload);
    expect(payloads).not.toContain("after");
  });

  test("has a history for its members, newest first, by either path", async () => {
    await owner.post("/channels", { name: "talk", members: ["member"] });
    for (const payload of ["a", "b", "c"]) await owner.post("/channels/talk/send", { payload });
    for (const path of ["/history/%23talk", "/channels/talk/history"]) {
      const messages = (await member.get(path)).messages();
      expect(messages.map((message) => message.payload)).toEqual(["c", "b", "a"]);
    }
    const first = await member.get("/channels/talk/history?limit=2");
    expect(first.messages().map((message) => message.payload)).toEqual(["c", "b"]);
    const rest = await member.get(`/channels/talk/history?limit=2&cursor=${first.field("cursor")}`);
    expect(rest.messages().map((message) => message.payload)).toEqual(["a"]);
    expect([403, 404]).toContain((await other.get("/channels/talk/history")).status);
  });
});

describe("a private channel", () => {
  test("is for its members alone", async () => {
    await owner.post("/channels", { name: "secret", members: ["member"], private: true });
    expect(await namesSeenBy(member)).toContain("secret");
    expect(await namesSeenBy(other)).not.toContain("secret");
    for (const [method, path, body] of [
      ["POST", "/channels/secret/join", undefined],
      ["POST", "/channels/secret/send", { payload: 1 }],
      ["GET", "/channels/secret/members", undefined],
      ["GET", "/channels/secret/history", undefined],
      ["POST", "/channels/secret/members", { members: ["other"] }],
    ] as const) {
      const answer = await other.call(method, path, body === undefined ? {} : { body });
      expect([403, 404], `${method} ${path}`).toContain(answer.status);
    }
    expect((await member.post("/channels/secret/members", { members: ["other"] })).status).toBe(200);
    expect(await namesSeenBy(other)).toContain("secret");
  });
});

describe("the end of a channel", () => {
  test("is the owner's to decide; what was sent is still delivered", async () => {
    await owner.post("/channels", { name: "short", members: ["member"] });
    await owner.post("/channels/short/send", { payload: "last words" });
    expect((await member.call("DELETE", "/channels/short")).status).toBe(403);
    expect((await owner.call("DELETE", "/channels/short")).status).toBe(204);
    await untilPayload(member, "last words");
    expect((await owner.post("/channels/short/send", { payload: 1 })).status).toBe(404);
    expect(await namesSeenBy(member)).not.toContain("short");
  });

  test("or the operator's", async () => {
    await owner.post("/channels", { name: "moderated" });
    expect((await hub.admin("DELETE", "/channels/moderated")).status).toBe(204);
    expect(await namesSeenBy(owner)).not.toContain("moderated");
  });
});
