import { describe, expect, it } from "vitest";
import type { Profile } from "../../../src/model/agent.ts";
import {
  agentRecord,
  inviteRecord,
  joinAgents,
  NOW_MS,
  numbered,
  type StoreFactory,
  useStores,
} from "./store-fixture.ts";

/** Behaviour that every AgentStore has. */
export function agentStoreSuite(factory: StoreFactory): void {
  describe("agent store", () => {
    describe("profiles", () => profileTests(factory));
    describe("lists", () => listTests(factory));
    describe("removal", () => removalTests(factory));
  });
}

const FULL_PROFILE: Profile = {
  name: "Übersetzer \u{1f310} \u0000 \ud800",
  description: "legal translator",
  capabilities: ["translate", "legal"],
  languages: ["de", "en"],
  languagePairs: ["de-en"],
  region: "eu",
  price: { amount: "0.05", currency: "USD", unit: "word" },
  turnaroundMin: 30,
  credentials: ["sworn"],
  status: "busy",
  visibility: "public",
  access: "public",
  extra: { nested: { list: [1, null, false, "x"] }, "": 0 },
};

function profileTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("gives an agent back as it joined, after a restart too", async () => {
    const agent = { ...agentRecord("alice", FULL_PROFILE), publicKey: "ed25519:abc", plan: "pro" as const };
    await fixture.stores.invites.create(inviteRecord("n"));
    await fixture.stores.invites.join("n", agent, "hash", NOW_MS);
    expect(await fixture.stores.agents.find("alice")).toEqual(agent);
    await fixture.reopen();
    expect(await fixture.stores.agents.find("alice")).toEqual(agent);
  });

  it("finds nobody of an unknown id", async () => {
    expect(await fixture.stores.agents.find("nobody")).toBeUndefined();
    expect(await fixture.stores.agents.find("alice\0")).toBeUndefined();
  });

  it("replaces the profile and the plan, and nothing else", async () => {
    await joinAgents(fixture.stores, "alice", "bob");
    await fixture.stores.agents.setProfile("alice", FULL_PROFILE);
    await fixture.stores.agents.setPlan("alice", "free");
    expect(await fixture.stores.agents.find("alice")).toEqual({
      ...agentRecord("alice", FULL_PROFILE),
      plan: "free",
    });
    expect(await fixture.stores.agents.find("bob")).toEqual(agentRecord("bob"));
  });

  it("changes no unknown and no deleted agent", async () => {
    await joinAgents(fixture.stores, "alice");
    await fixture.stores.agents.remove("alice", NOW_MS);
    const { agents } = fixture.stores;
    await expect(agents.setProfile("alice", FULL_PROFILE)).rejects.toMatchObject({ code: "not_found" });
    await expect(agents.setPlan("alice", "pro")).rejects.toMatchObject({ code: "not_found" });
    await expect(agents.setPlan("nobody", "pro")).rejects.toMatchObject({ code: "not_found" });
  });
}

function listTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("pages through the living in order of id", async () => {
    const ids = numbered("agent-", 25);
    await joinAgents(fixture.stores, ...ids.toReversed());
    await fixture.stores.agents.remove("agent-00007", NOW_MS);
    const seen: string[] = [];
    let afterId = "";
    for (;;) {
      const page = await fixture.stores.agents.list(afterId, 10);
      if (page.length === 0) break;
      expect(page.length).toBeLessThanOrEqual(10);
      seen.push(...page.map((agent) => agent.agentId));
      afterId = seen.at(-1) ?? "";
    }
    expect(seen).toEqual(ids.filter((id) => id !== "agent-00007"));
  });

  it("orders ids by their bytes", async () => {
    await joinAgents(fixture.stores, "a-b", "ab", "a0", "b", "a");
    const listed = await fixture.stores.agents.list("", 10);
    expect(listed.map((agent) => agent.agentId)).toEqual(["a", "a-b", "a0", "ab", "b"]);
  });

  it("counts the living", async () => {
    expect(await fixture.stores.agents.count()).toBe(0);
    await joinAgents(fixture.stores, "alice", "bob", "carol");
    await fixture.stores.agents.remove("bob", NOW_MS);
    expect(await fixture.stores.agents.count()).toBe(2);
  });
}

function removalTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("leaves a tombstone that says nothing of what the agent was", async () => {
    await joinAgents(fixture.stores, "alice");
    await fixture.stores.agents.setProfile("alice", FULL_PROFILE);
    await fixture.stores.agents.remove("alice", NOW_MS + 5);
    const tombstone = await fixture.stores.agents.find("alice");
    expect(tombstone).toMatchObject({ agentId: "alice", createdUnixMs: NOW_MS, deletedUnixMs: NOW_MS + 5 });
    expect(tombstone?.profile).toMatchObject({ capabilities: [], visibility: "hidden" });
    expect(tombstone?.profile.description).toBeUndefined();
  });

  it("takes keys, access rules and memberships along", async () => {
    const { stores } = fixture;
    await joinAgents(stores, "alice", "bob");
    await stores.access.put("alice", { subject: "bob", mode: "block" });
    await stores.access.put("bob", { subject: "alice", mode: "allow" });
    const channel = {
      channelId: "team",
      ownerId: "bob",
      description: "",
      isPrivate: false,
      createdUnixMs: NOW_MS,
    };
    await stores.channels.create(channel, ["alice", "bob"]);
    await stores.agents.remove("alice", NOW_MS);
    expect(await stores.keys.find("key-alice")).toBeUndefined();
    expect(await stores.access.rules("alice")).toEqual([]);
    expect(await stores.channels.members("team", "", 10)).toEqual(["bob"]);
    expect(await stores.channels.find("team")).toMatchObject({ memberCount: 1 });
    expect(await stores.keys.find("key-bob")).toBeDefined();
    expect(await stores.access.rules("bob")).toHaveLength(1);
  });

  it("keeps the first date when it is removed again, and removes nobody unknown", async () => {
    await joinAgents(fixture.stores, "alice");
    await fixture.stores.agents.remove("alice", NOW_MS + 5);
    await fixture.stores.agents.remove("alice", NOW_MS + 9);
    await fixture.stores.agents.remove("nobody", NOW_MS);
    expect(await fixture.stores.agents.find("alice")).toMatchObject({ deletedUnixMs: NOW_MS + 5 });
    expect(await fixture.stores.agents.find("nobody")).toBeUndefined();
  });
}
