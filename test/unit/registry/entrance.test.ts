import { describe, expect, it } from "vitest";
import type { ProfilePatch } from "../../../src/model/agent.ts";
import { ANONYMOUS } from "../../../src/model/principal.ts";
import { ADMIN, asAgent, callAs, codeOf, createFixture, START_MS } from "./registry-fixture.ts";

const operator = callAs(ADMIN);
const stranger = callAs(ANONYMOUS);

describe("joining", () => {
  it("gives a key and a token that both prove the agent", async () => {
    const { api, join, registry } = createFixture();
    const joined = await join("alice", { name: "Alice", capabilities: ["cook"] }, ["bake"]);
    expect(joined).toMatchObject({
      agentId: "alice",
      hubId: "hub.test",
      tokenExpiresUnixMs: START_MS + 86_400_000,
    });
    expect(joined.apiKey).toMatch(/^mk_[A-Za-z0-9_-]{43}$/);
    expect(await api.authenticate(joined.apiKey, "192.0.2.1")).toEqual(asAgent("alice", joined.apiKey));
    expect(await api.authenticate(joined.token, "192.0.2.1")).toEqual({
      kind: "agent",
      agentId: "alice",
      credential: { ...asAgent("alice", joined.apiKey).credential, kid: expect.any(String) },
      expiresUnixMs: START_MS + 86_400_000,
    });
    expect(await api.getAgent(callAs(asAgent("alice")), "alice")).toMatchObject({
      online: true,
      plan: "open",
      profile: { name: "Alice", capabilities: ["cook", "bake"], visibility: "hub", access: "members" },
    });
    expect(registry.presence.onlineCount()).toBe(1);
  });

  it("keeps the key nowhere", async () => {
    const { join, stores, logLines } = createFixture();
    const { apiKey, token } = await join("alice");
    const kept = JSON.stringify([await stores.agents.find("alice"), logLines]);
    expect(kept).not.toContain(apiKey);
    expect(kept).not.toContain(token);
    expect(await stores.keys.find(apiKey)).toBeUndefined();
  });

  it("is seen at once by who asked for the id before", async () => {
    const { join, registry } = createFixture();
    expect(await registry.directory.lookup("alice")).toBeUndefined();
    expect(registry.directory.lookup("alice")).toBeUndefined();
    const heard: string[] = [];
    registry.directory.onChange((agentId, what) => heard.push(`${agentId} ${what}`));
    await join("alice");
    expect(await registry.directory.lookup("alice")).toMatchObject({ agentId: "alice" });
    expect(heard).toEqual(["alice joined"]);
  });

  const wrongInputs: readonly { agentId: string; publicKey?: string; profile?: ProfilePatch }[] = [
    { agentId: "" },
    { agentId: "Alice" },
    { agentId: "a_b" },
    { agentId: "-a" },
    { agentId: "a".repeat(64) },
    { agentId: "alice\n" },
    { agentId: "hub" },
    { agentId: "admin" },
    { agentId: "alice", publicKey: "x".repeat(1_025) },
    { agentId: "alice", publicKey: "ä".repeat(513) },
    { agentId: "alice", profile: { name: "x".repeat(129) } },
  ];
  it.each(wrongInputs)("refuses %o and does not spend the invite", async (input) => {
    const { api } = createFixture();
    const { nonce } = await api.createInvite(operator, {});
    expect(await codeOf(api.join(stranger, { nonce, ...input }))).toBe("invalid_argument");
    expect(await api.describeInvite(stranger, nonce)).toMatchObject({ uses: 0 });
  });

  it("takes a public key of a kilobyte", async () => {
    const { api } = createFixture();
    const { nonce } = await api.createInvite(operator, {});
    await api.join(stranger, { nonce, agentId: "alice", publicKey: "x".repeat(1_024) });
    expect(await api.getAgent(callAs(asAgent("alice")), "alice")).toMatchObject({
      publicKey: "x".repeat(1_024),
    });
  });

  it("never gives an id twice, not even that of a deleted agent", async () => {
    const { api, join } = createFixture();
    await join("alice");
    const { nonce } = await api.createInvite(operator, {});
    expect(await codeOf(api.join(stranger, { nonce, agentId: "alice" }))).toBe("already_exists");
    await api.deleteAgent(operator, "alice");
    expect(await codeOf(api.join(stranger, { nonce, agentId: "alice" }))).toBe("already_exists");
    expect(await api.describeInvite(stranger, nonce)).toMatchObject({ uses: 0 });
  });

  it("lets in as many as the invite says, also when they come at once", async () => {
    const { api } = createFixture();
    const { nonce } = await api.createInvite(operator, { maxUses: 3 });
    const codes = await Promise.all(
      Array.from({ length: 10 }, (_, index) => codeOf(api.join(stranger, { nonce, agentId: `a${index}` }))),
    );
    expect(codes.filter((code) => code === "no error")).toHaveLength(3);
    expect(codes.filter((code) => code === "gone")).toHaveLength(7);
  });

  it("answers wrong nonces with rate_limited after the limit, but right ones as ever", async () => {
    const { api } = createFixture();
    const { nonce } = await api.createInvite(operator, {});
    const codes: unknown[] = [];
    for (let count = 0; count < 6; count += 1) {
      codes.push(await codeOf(api.join(stranger, { nonce: `${count}`.repeat(22), agentId: "alice" })));
    }
    expect(codes).toEqual([...Array.from({ length: 5 }, () => "not_found"), "rate_limited"]);
    expect(await codeOf(api.describeInvite(stranger, "B".repeat(22)))).toBe("rate_limited");
    expect(await codeOf(api.describeInvite(callAs(ANONYMOUS, "192.0.2.2"), "B".repeat(22)))).toBe(
      "not_found",
    );
    expect(await codeOf(api.join(stranger, { nonce, agentId: "alice" }))).toBe("no error");
  });

  it("refuses even a right nonce unchecked while somebody at the address does nothing but guess", async () => {
    const { api, clock } = createFixture();
    const { nonce } = await api.createInvite(operator, {});
    for (let count = 0; count < 100; count += 1) {
      await codeOf(api.describeInvite(stranger, "B".repeat(22)));
    }
    expect(await codeOf(api.join(stranger, { nonce, agentId: "alice" }))).toBe("rate_limited");
    clock.advance(600);
    expect(await codeOf(api.join(stranger, { nonce, agentId: "alice" }))).toBe("no error");
  });
});

describe("registering", () => {
  it("trades the key for a token", async () => {
    const { api, join, clock } = createFixture();
    const { apiKey, token: first } = await join("alice");
    clock.advance(10_000);
    const { token, expiresUnixMs } = await api.register(stranger, { agentId: "alice", apiKey });
    expect(token).not.toBe(first);
    expect(expiresUnixMs).toBe(START_MS + 10_000 + 86_400_000);
    expect(await api.authenticate(token, "192.0.2.1")).toMatchObject({ agentId: "alice", expiresUnixMs });
  });

  it("answers all that is wrong alike", async () => {
    const { api, join } = createFixture({ limits: { plan: "open", attemptsPerMinute: 1_000 } });
    const { apiKey } = await join("alice");
    const { apiKey: other } = await join("bob");
    const deleted = await join("carol");
    await api.deleteAgent(operator, "carol");
    const wrong = [
      { agentId: "alice", apiKey: other },
      { agentId: "alice", apiKey: "" },
      { agentId: "alice", apiKey: `${apiKey}x` },
      { agentId: "alice", apiKey: apiKey.slice(0, -1) },
      { agentId: "alice", apiKey: "x".repeat(1_000_000) },
      { agentId: "nobody", apiKey },
      { agentId: "", apiKey },
      { agentId: "carol", apiKey: deleted.apiKey },
    ];
    const answers = await Promise.all(
      wrong.map((input) => api.register(stranger, input).catch((thrown: unknown) => thrown)),
    );
    for (const answer of answers) {
      expect(answer).toMatchObject({ code: "unauthenticated" });
      expect(String(answer)).toBe(String(answers[0]));
    }
  });

  it("limits wrong keys", async () => {
    const { api, join } = createFixture();
    const { apiKey } = await join("alice");
    const wrong = { agentId: "alice", apiKey: "mk_wrong" };
    for (let count = 0; count < 5; count += 1) {
      expect(await codeOf(api.register(stranger, wrong))).toBe("unauthenticated");
    }
    expect(await codeOf(api.register(stranger, wrong))).toBe("rate_limited");
    expect(await codeOf(api.register(stranger, { agentId: "alice", apiKey }))).toBe("no error");
  });
});
