import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";

let hub: TestHub;
let alice: TestAgent;
let bob: TestAgent;

beforeAll(async () => {
  hub = await startHub();
  alice = await hub.join("alice", { description: "asks", capabilities: ["ask"] });
  bob = await hub.join("bob", { profile: { description: "legal translator", capabilities: ["translate"] } });
});
afterAll(() => hub?.[Symbol.asyncDispose]());

const ISO = expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/);

describe("joining", () => {
  test("an invite, its page, a join, a token", async () => {
    const invite = await hub.admin("POST", "/invites", { body: { max_uses: 2, expires_in_s: 600 } });
    expect(invite.status).toBe(201);
    expect(invite.json).toMatchObject({ nonce: expect.any(String), expires_at: ISO, max_uses: 2 });
    const nonce = String(invite.field("nonce"));
    expect(invite.field("url")).toBe(`${hub.http}/join/${nonce}`);

    const page = await hub.call("GET", `/join/${nonce}`);
    expect(page.status).toBe(200);
    expect(page.headers.get("content-type")).toMatch(/^text\/markdown/);
    expect(page.text).toContain(`curl -sS -X POST "${hub.http}/join/${nonce}"`);
    const json = await hub.call("GET", `/join/${nonce}`, { headers: { accept: "application/json" } });
    expect(json.json).toMatchObject({ join: { method: "POST", url: `${hub.http}/join/${nonce}` } });

    const joined = await hub.call("POST", `/join/${nonce}`, { body: { agent_id: "newcomer" } });
    expect(joined.status).toBe(201);
    expect(joined.json).toMatchObject({ agent_id: "newcomer", hub: "localhost" });

    const credentials = { agent_id: "newcomer", api_key: joined.field("api_key") };
    const registered = await hub.call("POST", "/register", { body: credentials });
    expect(registered.status).toBe(200);
    expect(registered.json).toEqual({ token: expect.any(String), expires_at: ISO });
    for (const token of [joined.field("token"), joined.field("api_key"), registered.field("token")]) {
      expect((await hub.call("GET", "/stats", { token: String(token) })).status).toBe(200);
    }

    const listed = await hub.admin("GET", "/invites");
    expect(listed.json).toMatchObject({
      invites: expect.arrayContaining([expect.objectContaining({ nonce })]),
    });
    expect((await hub.admin("DELETE", `/invites/${nonce}`)).status).toBe(204);
  });

  test("the page's commands work as they stand", async () => {
    const nonce = await hub.invite();
    const { text } = await hub.call("GET", `/join/${nonce}`);
    const join = /curl -sS -X POST "([^"]+)" [^']*'([^']+)'/.exec(text);
    const path = join?.[1]?.slice(hub.http.length) ?? "";
    const form = { "content-type": "application/x-www-form-urlencoded" };
    const raw = (join?.[2] ?? "").replace("YOUR-ID", "follower");
    const joined = await hub.call("POST", path, { raw, headers: form });
    expect(joined.status).toBe(201);
    expect(joined.field("agent_id")).toBe("follower");
  });
});

describe("agents", () => {
  test("are listed, found with slips, filtered", async () => {
    const all = await alice.get("/agents?limit=100");
    expect(all.status).toBe(200);
    expect(all.json).toMatchObject({
      agents: expect.arrayContaining([
        expect.objectContaining({
          agent_id: "alice",
          description: "asks",
          capabilities: ["ask"],
          status: "available",
        }),
        expect.objectContaining({ agent_id: "bob", online: expect.any(Boolean) }),
      ]),
    });
    for (const query of ["q=legl%20translatr", "intent=legal+translator", "capability=translate"]) {
      const found = await alice.get(`/agents?${query}`);
      expect(found.json, query).toHaveProperty("agents.0.agent_id", "bob");
    }
    const busy = await alice.get("/agents?status=busy");
    expect(busy.field("agents")).toEqual([]);
  });

  test("pages of the list hold every agent once", async () => {
    const seen: string[] = [];
    let cursor = "";
    for (let page = 0; page < 50; page++) {
      const answer = await alice.get(`/agents?limit=1&cursor=${encodeURIComponent(cursor)}`);
      const agents = answer.field("agents");
      if (Array.isArray(agents)) seen.push(...agents.map((agent) => String(agent.agent_id)));
      const next = answer.field("cursor");
      if (typeof next !== "string") break;
      cursor = next;
    }
    expect(new Set(seen).size).toBe(seen.length);
    expect(seen).toEqual(expect.arrayContaining(["alice", "bob"]));
  });

  test("a profile is changed field by field", async () => {
    const full = {
      name: "Bob",
      status: "busy",
      visibility: "public",
      access: "public",
      languages: ["en", "de"],
      language_pairs: ["en-de"],
      region: "EU",
      price: { amount: "0.05", currency: "EUR", unit: "word" },
      turnaround_min: 30,
      credentials: ["sworn"],
      motto: "mot à mot",
    };
    const changed = await bob.call("PATCH", "/profile", { body: full });
    expect(changed.status).toBe(200);
    expect(changed.json).toMatchObject({
      ...full,
      description: "legal translator",
      capabilities: ["translate"],
    });
    const seen = await alice.get("/agents/bob");
    expect(seen.json).toMatchObject({ agent_id: "bob", ...full });
    expect(seen.json).not.toHaveProperty("plan");
    await bob.call("PATCH", "/profile", { body: { status: "available", motto: null } });
    const again = await alice.get("/agents/bob");
    expect(again.json).toMatchObject({ status: "available", region: "EU" });
    expect(again.json).not.toHaveProperty("motto");
  });

  test("the operator sets plans", async () => {
    const set = await hub.admin("PUT", "/agents/bob/plan", { body: { plan: "pro" } });
    expect(set.status).toBe(200);
    expect(set.json).toMatchObject({ agent_id: "bob", plan: "pro" });
    expect((await bob.get("/agents/bob")).field("plan")).toBe("pro");
    expect((await alice.call("PUT", "/agents/bob/plan", { body: { plan: "free" } })).status).toBe(403);
  });
});

describe("the overview", () => {
  test("stats, network, context", async () => {
    await alice.post("/send", { to: "bob", payload: 1 });
    const stats = await alice.get("/stats");
    expect(stats.json).toMatchObject({
      hub: "localhost",
      agents: expect.any(Number),
      uptime_s: expect.any(Number),
    });
    const network = await alice.get("/network");
    expect(network.status).toBe(200);
    expect(network.json).toMatchObject({ agents: expect.any(Number), edges: expect.any(Array) });
    const context = await bob.get("/context");
    expect(context.json).toMatchObject({
      hub: "localhost",
      you: { agent_id: "bob" },
      unread: expect.any(Number),
      limits: { max_payload_bytes: 1_048_576 },
    });
    expect(Number(context.field("unread"))).toBeGreaterThanOrEqual(1);
    for (const path of ["/stats", "/network"]) expect((await hub.admin("GET", path)).status).toBe(200);
    expect((await hub.admin("GET", "/context")).status).toBe(403);
  });

  test("an agent sees its own edges, the operator all", async () => {
    const eve = await hub.join("eve-network");
    await alice.post("/send", { to: "bob", payload: 1 });
    const edge = expect.objectContaining({ from: "alice", to: "bob" });
    expect((await eve.get("/network")).field("edges")).not.toContainEqual(edge);
    expect((await alice.get("/network")).field("edges")).toContainEqual(edge);
    expect((await hub.admin("GET", "/network")).field("edges")).toContainEqual(edge);
  });
});

describe("the rest of the table", () => {
  test.each([
    ["POST", "/discover"],
    ["POST", "/services"],
    ["GET", "/services"],
    ["GET", "/services/x"],
  ])("%s %s is not built yet", async (method, path) => {
    const answer = await alice.call(
      method,
      path,
      method === "POST" ? { body: { to: "bob", payload: 1 } } : {},
    );
    expect(answer.status).toBe(501);
    expect(answer.refusal().hint).not.toBe("");
  });

  test("what nobody has is not found, in the same form", async () => {
    for (const path of ["/no-such-path", "/agents/nobody", "/messages/a/b/c"]) {
      const answer = await alice.get(path);
      expect(answer.status, path).toBe(404);
      expect(answer.refusal().code).toBe("not_found");
    }
    const method = await alice.call("DELETE", "/send");
    expect([404, 405]).toContain(method.status);
    expect(method.refusal().hint).toEqual(expect.any(String));
  });
});
