import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

let hub: TestHub;

beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub?.[Symbol.asyncDispose]());

const join = (nonce: string, agentId: string) =>
  hub.call("POST", `/join/${nonce}`, { body: { agent_id: agentId } });

describe("invites", () => {
  test("are used up", async () => {
    const nonce = await hub.invite({ max_uses: 2 });
    expect((await join(nonce, "first")).status).toBe(201);
    expect((await join(nonce, "second")).status).toBe(201);
    const third = await join(nonce, "third");
    expect(third.status).toBe(410);
    expect(third.refusal().code).toBe("gone");
    const page = await hub.call("GET", `/join/${nonce}`);
    expect(page.status).toBe(410);
    expect(page.headers.get("content-type")).toMatch(/^text\/markdown/);
  });

  test("a refused join uses nothing up", async () => {
    const nonce = await hub.invite({ max_uses: 1 });
    expect((await join(nonce, "first")).status).toBe(409);
    expect((await join(nonce, "Not-An-Id")).status).toBe(400);
    expect((await join(nonce, "patient")).status).toBe(201);
  });

  test("let in as many as they say, also when all come at once", async () => {
    const nonce = await hub.invite({ max_uses: 3 });
    const answers = await Promise.all(Array.from({ length: 8 }, (_, n) => join(nonce, `rush-${n}`)));
    const statuses = answers.map((answer) => answer.status).sort();
    expect(statuses).toEqual([201, 201, 201, 410, 410, 410, 410, 410]);
  });

  test("one id goes to one agent, also when all want it at once", async () => {
    const nonce = await hub.invite({ max_uses: 10 });
    const answers = await Promise.all(Array.from({ length: 5 }, () => join(nonce, "wanted")));
    const statuses = answers.map((answer) => answer.status).sort();
    expect(statuses).toEqual([201, 409, 409, 409, 409]);
  });

  test("expire", async () => {
    const nonce = await hub.invite({ expires_in_s: 1 });
    await until(
      "the end of the invite",
      async () => (await hub.call("GET", `/join/${nonce}`)).status === 410,
    );
    expect((await join(nonce, "late")).status).toBe(410);
  });

  test("are revoked", async () => {
    const nonce = await hub.invite();
    expect((await hub.admin("DELETE", `/invites/${nonce}`)).status).toBe(204);
    expect([404, 410]).toContain((await join(nonce, "unwanted")).status);
    expect((await hub.admin("DELETE", "/invites/unknown")).status).toBe(404);
  });

  test("give capabilities; the one to invite is among them, and nobody takes it", async () => {
    const plain = await hub.join("plain");
    expect((await plain.post("/invites", {})).status).toBe(403);
    expect((await plain.call("PATCH", "/profile", { body: { capabilities: ["invite"] } })).status).toBe(403);
    const nonce = await hub.invite({ capabilities: ["invite", "translate"] });
    const joined = await join(nonce, "host");
    const token = String(joined.field("token"));
    const invite = await hub.call("POST", "/invites", { token, body: { max_uses: 1 } });
    expect(invite.status).toBe(201);
    expect((await join(String(invite.field("nonce")), "guest-of-host")).status).toBe(201);
    const own = (await hub.call("GET", "/invites", { token })).field("invites");
    expect(own).toEqual([expect.objectContaining({ created_by: "host", uses: 1 })]);
  });

  test("ids of the hub's own voice are not given", async () => {
    const nonce = await hub.invite();
    for (const id of ["hub", "admin", "system"]) expect([400, 409]).toContain((await join(nonce, id)).status);
  });
});

describe("keys", () => {
  test("are rotated: the old one is good for a while", async () => {
    const agent = await hub.join("rotating");
    const rotated = await agent.post("/keys/rotate");
    expect(rotated.status).toBe(200);
    const newKey = String(rotated.field("api_key"));
    expect(newKey).not.toBe(agent.apiKey);
    expect(Date.parse(String(rotated.field("old_key_expires_at")))).toBeGreaterThan(Date.now());
    for (const apiKey of [agent.apiKey, newKey]) {
      const registered = await hub.call("POST", "/register", {
        body: { agent_id: "rotating", api_key: apiKey },
      });
      expect(registered.status).toBe(200);
      expect((await hub.call("GET", "/messages", { token: apiKey })).status).toBe(200);
    }
    expect((await agent.get("/messages")).status).toBe(200);
  });
});

describe("deleted agents", () => {
  test("are gone at once, and their id is never given again", async () => {
    const alice = await hub.join("mourner");
    const gone = await hub.join("gone");
    expect((await gone.call("DELETE", "/agents/gone")).status).toBe(204);
    for (const token of [gone.token, gone.apiKey]) {
      expect((await hub.call("GET", "/messages", { token })).status).toBe(401);
    }
    const register = { agent_id: "gone", api_key: gone.apiKey };
    expect((await hub.call("POST", "/register", { body: register })).status).toBe(401);
    expect((await alice.get("/agents/gone")).status).toBe(404);
    expect((await alice.post("/send", { to: "gone", payload: 1 })).status).toBe(404);
    expect((await join(await hub.invite(), "gone")).status).toBe(409);
    expect((await alice.get("/agents?limit=500")).text).not.toContain('"gone"');
  });

  test("the operator deletes any, an agent itself alone", async () => {
    const one = await hub.join("one-to-delete");
    const other = await hub.join("another");
    expect((await other.call("DELETE", "/agents/one-to-delete")).status).toBe(403);
    expect((await one.get("/messages")).status).toBe(200);
    expect((await hub.admin("DELETE", "/agents/one-to-delete")).status).toBe(204);
    expect((await one.get("/messages")).status).toBe(401);
  });
});

describe("who may reach whom", () => {
  test("a blocked agent, until it is unblocked", async () => {
    const bob = await hub.join("blocker");
    const spam = await hub.join("spammer");
    const send = () => spam.post("/send", { to: "blocker", payload: 1 });
    expect((await send()).status).toBe(202);
    expect((await bob.post("/blocks", { agent: "spammer" })).status).toBe(201);
    const refused = await send();
    expect(refused.status).toBe(403);
    expect(refused.refusal().code).toBe("permission_denied");
    expect((await bob.get("/blocks")).json).toEqual({ rules: [{ agent: "spammer", mode: "block" }] });
    expect((await bob.post("/send", { to: "spammer", payload: 1 })).status).toBe(202);
    expect((await bob.call("DELETE", "/blocks/spammer")).status).toBe(204);
    expect((await bob.get("/blocks")).json).toEqual({ rules: [] });
    expect((await send()).status).toBe(202);
  });

  test("once one is allowed, only the allowed", async () => {
    const vip = await hub.join("vip");
    const friend = await hub.join("friend");
    const stranger = await hub.join("stranger");
    await vip.post("/blocks", { agent: "friend", mode: "allow" });
    expect((await friend.post("/send", { to: "vip", payload: 1 })).status).toBe(202);
    expect((await stranger.post("/send", { to: "vip", payload: 1 })).status).toBe(403);
  });

  test("a hidden agent is not found by others", async () => {
    const shy = await hub.join("shy", {
      profile: { visibility: "hidden", description: "unique-words-of-shy" },
    });
    const seeker = await hub.join("seeker");
    expect((await seeker.get("/agents?limit=500")).text).not.toContain('"shy"');
    expect((await seeker.get("/agents?q=unique-words-of-shy")).text).not.toContain('"shy"');
    expect((await seeker.get("/agents/shy")).status).toBe(404);
    expect((await shy.get("/agents/shy")).status).toBe(200);
    expect((await hub.admin("GET", "/agents/shy")).status).toBe(200);
  });
});
