import { describe, expect, it } from "vitest";
import type { ListAgentsInput } from "../../../src/api/registry-api.ts";
import { ANONYMOUS, type Principal } from "../../../src/model/principal.ts";
import type { AgentPage } from "../../../src/registry/agent-list.ts";
import { ADMIN, asAgent, callAs, codeOf, createFixture, type RegistryFixture } from "./registry-fixture.ts";

const operator = callAs(ADMIN);
const alice = callAs(asAgent("alice"));
const bob = callAs(asAgent("bob"));
const stranger = callAs(ANONYMOUS);

async function createPopulated(): Promise<RegistryFixture> {
  const fixture = createFixture();
  await fixture.join("alice", { capabilities: ["Cook"] });
  await fixture.join("bob", { visibility: "public", status: "busy" });
  await fixture.join("carol", { visibility: "hidden", capabilities: ["cook"] });
  return fixture;
}

const idsOf = ({ agents }: AgentPage): string[] => agents.map(({ agentId }) => agentId);

describe("an agent", () => {
  it("is shown to who may see it, and otherwise does not exist", async () => {
    const { api } = await createPopulated();
    expect(await api.getAgent(bob, "alice")).toMatchObject({ agentId: "alice", online: true });
    expect(await api.getAgent(stranger, "bob")).toMatchObject({ agentId: "bob" });
    expect(await api.getAgent(callAs(asAgent("carol")), "carol")).toMatchObject({ agentId: "carol" });
    expect(await api.getAgent(operator, "carol")).toMatchObject({ agentId: "carol" });
    for (const [call, agentId] of [
      [stranger, "alice"],
      [stranger, "carol"],
      [alice, "carol"],
      [operator, "nobody"],
      [operator, ""],
      [operator, "Not An Id"],
      [operator, "__proto__"],
    ] as const) {
      expect(await codeOf(api.getAgent(call, agentId)), agentId).toBe("not_found");
    }
  });

  it("does not tell by its answer whether a hidden one is there", async () => {
    const { api } = await createPopulated();
    const [hidden, absent] = await Promise.all(
      ["carol", "nobody"].map((id) => api.getAgent(alice, id).catch((thrown: unknown) => String(thrown))),
    );
    expect(String(hidden).replace("carol", "nobody")).toBe(absent);
  });

  it("shows its plan to itself and the operator only", async () => {
    const { api } = await createPopulated();
    expect((await api.getAgent(alice, "alice")).plan).toBe("open");
    expect((await api.getAgent(operator, "alice")).plan).toBe("open");
    expect((await api.getAgent(bob, "alice")).plan).toBeUndefined();
  });

  it("changes its profile, which others see at once and which outlives a restart", async () => {
    const { api, registry, restarted } = await createPopulated();
    await registry.directory.lookup("alice");
    const view = await api.updateProfile(alice, { status: "away" });
    expect(view.profile).toMatchObject({ status: "away", capabilities: ["Cook"] });
    expect((await api.getAgent(bob, "alice")).profile.status).toBe("away");
    expect((await restarted().api.getAgent(bob, "alice")).profile.status).toBe("away");
    expect(await codeOf(api.updateProfile(stranger, {}))).toBe("unauthenticated");
    expect(await codeOf(api.updateProfile(operator, {}))).toBe("permission_denied");
    expect(await codeOf(api.updateProfile(callAs(asAgent("nobody")), {}))).toBe("not_found");
  });

  it("loses none of many changes made at once, and writes nothing when nothing changes", async () => {
    const { api, registry } = await createPopulated();
    const heard: string[] = [];
    registry.directory.onChange((agentId, what) => heard.push(`${agentId} ${what}`));
    const patches = [{ name: "A" }, { region: "EU" }, { status: "busy" as const }, { extra: { x: 1 } }];
    await Promise.all(patches.map((patch) => api.updateProfile(alice, patch)));
    expect((await api.getAgent(alice, "alice")).profile).toMatchObject(Object.assign({}, ...patches));
    expect(heard).toHaveLength(4);
    await api.updateProfile(alice, { name: "A", capabilities: ["Cook"] });
    expect(heard).toHaveLength(4);
  });

  it("gets its plan from the operator", async () => {
    const { api } = await createPopulated();
    await api.getAgent(alice, "alice");
    expect(await api.setPlan(operator, "alice", "pro")).toMatchObject({ agentId: "alice", plan: "pro" });
    expect((await api.getAgent(alice, "alice")).plan).toBe("pro");
    expect(await codeOf(api.setPlan(alice, "alice", "pro"))).toBe("permission_denied");
    expect(await codeOf(api.setPlan(stranger, "alice", "pro"))).toBe("unauthenticated");
    expect(await codeOf(api.setPlan(operator, "nobody", "pro"))).toBe("not_found");
  });

  it("is deleted by itself or the operator, for good", async () => {
    const { api, registry, restarted } = await createPopulated();
    const heard: string[] = [];
    registry.directory.onChange((agentId, what) => heard.push(`${agentId} ${what}`));
    expect(await codeOf(api.deleteAgent(bob, "alice"))).toBe("permission_denied");
    expect(await codeOf(api.deleteAgent(bob, "nobody"))).toBe("permission_denied");
    expect(await codeOf(api.deleteAgent(stranger, "alice"))).toBe("unauthenticated");
    await api.deleteAgent(alice, "alice");
    await api.deleteAgent(operator, "bob");
    expect(heard).toEqual(["alice removed", "bob removed"]);
    for (const agentId of ["alice", "bob"]) {
      expect(await codeOf(api.getAgent(operator, agentId))).toBe("not_found");
      expect(await codeOf(restarted().api.getAgent(operator, agentId))).toBe("not_found");
      expect(await codeOf(api.deleteAgent(operator, agentId))).toBe("not_found");
      expect(await codeOf(api.setPlan(operator, agentId, "pro"))).toBe("not_found");
    }
    expect(registry.presence.onlineIds(10)).toEqual(["carol"]);
  });
});

describe("the list of agents", () => {
  it("holds what the caller may see, by id", async () => {
    const { api } = await createPopulated();
    const list = async (principal: Principal, input: ListAgentsInput = {}) =>
      idsOf(await api.listAgents(callAs(principal), input));
    expect(await list(asAgent("alice"))).toEqual(["alice", "bob"]);
    expect(await list(asAgent("carol"))).toEqual(["alice", "bob", "carol"]);
    expect(await list(ADMIN)).toEqual(["alice", "bob", "carol"]);
    expect(await list(ANONYMOUS)).toEqual(["bob"]);
    expect(await list(ADMIN, { capability: "cook" })).toEqual(["alice", "carol"]);
    expect(await list(ADMIN, { capability: "coo" })).toEqual([]);
    expect(await list(ADMIN, { status: "busy" })).toEqual(["bob"]);
    expect(await list(ADMIN, { query: "  " })).toEqual(["alice", "bob", "carol"]);
  });

  it.each([1, 3, 7, 600])("gives each agent once in pages of %i", async (limit) => {
    const { api, join } = createFixture();
    const ids = Array.from({ length: 20 }, (_, index) => `a${String(index).padStart(2, "0")}`);
    for (const [index, id] of ids.entries())
      await join(id, { visibility: index % 3 === 0 ? "hidden" : "hub" });
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const input: ListAgentsInput = { limit, ...(cursor === undefined ? {} : { cursor }) };
      const page = await api.listAgents(callAs(asAgent("a00")), input);
      expect(page.agents.length).toBeLessThanOrEqual(limit);
      seen.push(...idsOf(page));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect(seen).toEqual(ids.filter((id, index) => index % 3 !== 0 || id === "a00"));
  });

  it("looks at a bounded number of agents at a time, and says where to go on", async () => {
    const { join, stores, restarted } = createFixture();
    await join("zoe", { visibility: "public" });
    const zoe = await stores.agents.find("zoe");
    if (zoe === undefined) throw new Error("zoe joined");
    const hidden = Array.from({ length: 4_500 }, (_, index) => ({
      ...zoe,
      agentId: `a${String(index).padStart(4, "0")}`,
      profile: { ...zoe.profile, visibility: "hidden" as const },
    }));
    const crowd = [...hidden, zoe];
    let looked = 0;
    const list = async (afterId: string, limit: number) => {
      const page = crowd.filter(({ agentId }) => agentId > afterId).slice(0, limit);
      looked += page.length;
      return page;
    };
    const { api } = restarted({ stores: { ...stores, agents: { ...stores.agents, list } } });
    const first = await api.listAgents(stranger, {});
    expect(idsOf(first)).toEqual([]);
    expect(looked).toBe(2_000);
    const second = await api.listAgents(stranger, { cursor: first.cursor ?? "" });
    const third = await api.listAgents(stranger, { cursor: second.cursor ?? "" });
    expect(idsOf(third)).toEqual(["zoe"]);
    expect(third.cursor).toBeUndefined();
  });

  it("goes on after an agent that was deleted in between", async () => {
    const { api } = await createPopulated();
    const first = await api.listAgents(operator, { limit: 1 });
    await api.deleteAgent(operator, "alice");
    const rest = await api.listAgents(operator, { cursor: first.cursor ?? "" });
    expect(idsOf(rest)).toEqual(["bob", "carol"]);
  });

  it("clamps the limit and refuses a cursor that it did not give", async () => {
    const { api } = await createPopulated();
    for (const limit of [0, -5, Number.NaN, 0.5]) {
      expect(idsOf(await api.listAgents(operator, { limit }))).toEqual(["alice"]);
    }
    expect(idsOf(await api.listAgents(operator, { limit: 1e9 }))).toHaveLength(3);
    for (const cursor of ["", "~3", "No", "a b"]) {
      expect(await codeOf(api.listAgents(operator, { cursor }))).toBe("invalid_argument");
    }
  });
});

describe("access rules", () => {
  it("are kept per agent, one for each subject", async () => {
    const { api, registry } = await createPopulated();
    const heard: string[] = [];
    registry.directory.onChange((agentId, what) => heard.push(`${agentId} ${what}`));
    expect(await registry.directory.rules("alice")).toEqual([]);
    await api.addAccessRule(alice, { subject: "bob", mode: "block" });
    expect(await registry.directory.rules("alice")).toEqual([{ subject: "bob", mode: "block" }]);
    expect(registry.directory.rules("alice")).toEqual([{ subject: "bob", mode: "block" }]);
    await api.addAccessRule(alice, { subject: "bob@hub.test", mode: "allow" });
    await api.addAccessRule(alice, { subject: "eve@other.test", mode: "block" });
    expect(await api.listAccessRules(alice)).toEqual([
      { subject: "bob", mode: "allow" },
      { subject: "eve@other.test", mode: "block" },
    ]);
    expect(await api.listAccessRules(bob)).toEqual([]);
    await api.removeAccessRule(alice, "bob@hub.test");
    expect(await codeOf(api.removeAccessRule(alice, "bob"))).toBe("not_found");
    expect(await api.listAccessRules(alice)).toHaveLength(1);
    expect(heard).toEqual(Array.from({ length: 4 }, () => "alice access"));
  });

  it("refuse what is no other agent, and callers that are none", async () => {
    const { api } = await createPopulated();
    for (const subject of ["", "#team", "alice", "alice@hub.test", "No Id", "a@b@c"]) {
      expect(await codeOf(api.addAccessRule(alice, { subject, mode: "block" }))).toBe("invalid_argument");
    }
    expect(await codeOf(api.addAccessRule(stranger, { subject: "bob", mode: "block" }))).toBe(
      "unauthenticated",
    );
    expect(await codeOf(api.listAccessRules(stranger))).toBe("unauthenticated");
    expect(await codeOf(api.listAccessRules(operator))).toBe("permission_denied");
    expect(await codeOf(api.removeAccessRule(stranger, "bob"))).toBe("unauthenticated");
  });

  it("are bounded", async () => {
    const { stores, restarted } = await createPopulated();
    const full = Array.from({ length: 10_000 }, (_, index) => ({
      subject: `a${index}`,
      mode: "block" as const,
    }));
    const { api } = restarted({
      stores: { ...stores, access: { ...stores.access, rules: async () => full } },
    });
    expect(await codeOf(api.addAccessRule(alice, { subject: "new", mode: "block" }))).toBe("quota_exceeded");
    expect(await codeOf(api.addAccessRule(alice, { subject: "a7", mode: "allow" }))).toBe("no error");
  });

  it("go with their agent", async () => {
    const { api, registry } = await createPopulated();
    await api.addAccessRule(alice, { subject: "bob", mode: "block" });
    await api.listAccessRules(alice);
    await api.deleteAgent(alice, "alice");
    expect(await registry.directory.rules("alice")).toEqual([]);
  });
});
