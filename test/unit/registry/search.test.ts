import { describe, expect, it } from "vitest";
import type { ListAgentsInput } from "../../../src/api/registry-api.ts";
import { ANONYMOUS, type Principal } from "../../../src/model/principal.ts";
import { ADMIN, asAgent, callAs, codeOf, createFixture } from "./registry-fixture.ts";

async function createPopulated() {
  const fixture = createFixture();
  const { api, join } = fixture;
  await join("jurist", {
    name: "Legal translator",
    capabilities: ["legal-translation"],
    visibility: "public",
  });
  await join("chef-bot", { description: "Cooks légal dishes\tand soups", capabilities: ["cooking"] });
  await join("secret", { name: "Legal translator in hiding", visibility: "hidden" });
  await join("poet", { description: "Writes verse; translator of poems" });
  await join("dealer", { name: "C++ expert", status: "busy", capabilities: ["Coding"] });
  const find = async (query: string, principal: Principal = asAgent("poet"), more: ListAgentsInput = {}) => {
    const { agents } = await api.listAgents(callAs(principal), { query, ...more });
    return agents.map(({ agentId }) => agentId);
  };
  return { ...fixture, find };
}

describe("search", () => {
  it("forgives typos", async () => {
    const { find } = await createPopulated();
    expect(await find("legl translatr")).toEqual(["jurist"]);
    expect((await find("leagl trnaslator"))[0]).toBe("jurist");
    expect((await find("coking"))[0]).toBe("chef-bot");
  });

  it("finds by id, name, description, capability and the beginning of a word, whatever the case", async () => {
    const { find } = await createPopulated();
    expect(await find("chef-bot")).toEqual(["chef-bot"]);
    expect(await find("BOT")).toEqual(["chef-bot"]);
    expect(await find("soups")).toEqual(["chef-bot"]);
    expect(await find("legal-trans")).toEqual(["jurist"]);
    expect(await find("verse")).toEqual(["poet"]);
    expect(await find("legal dishes")).toEqual(["chef-bot"]);
    expect(await find("C++")).toContain("dealer");
  });

  it("falls back to any of the words when no agent has all", async () => {
    const { find } = await createPopulated();
    expect([...(await find("soups verse"))].sort()).toEqual(["chef-bot", "poet"]);
    expect(await find("xylophone quarks")).toEqual([]);
    expect(await find("?!, --")).toEqual([]);
  });

  it("shows hidden agents to themselves and the operator only, and strangers only public ones", async () => {
    const { find } = await createPopulated();
    expect(await find("legal translator", asAgent("poet"))).toEqual(["jurist"]);
    expect([...(await find("legal translator", asAgent("secret")))].sort()).toEqual(["jurist", "secret"]);
    expect([...(await find("legal translator", ADMIN))].sort()).toEqual(["jurist", "secret"]);
    expect(await find("hiding", asAgent("poet"))).not.toContain("secret");
    expect(await find("secret", asAgent("poet"))).toEqual([]);
    expect(await find("translator", ANONYMOUS)).toEqual(["jurist"]);
    expect(await find("verse", ANONYMOUS)).toEqual([]);
  });

  it("keeps up with what changes, without and with an index", async () => {
    const { api, find, join } = await createPopulated();
    expect(await find("astronomer")).toEqual([]);
    await join("stella", { name: "Astronomer" });
    expect(await find("astronomer")).toEqual(["stella"]);
    await api.updateProfile(callAs(asAgent("stella")), { name: "Gardener" });
    expect(await find("astronomer")).toEqual([]);
    expect(await find("gardener")).toEqual(["stella"]);
    await api.updateProfile(callAs(asAgent("stella")), { visibility: "hidden" });
    expect(await find("gardener")).toEqual([]);
    await api.updateProfile(callAs(asAgent("stella")), { visibility: "hub" });
    expect(await find("gardener")).toEqual(["stella"]);
    await api.deleteAgent(callAs(ADMIN), "stella");
    expect(await find("gardener")).toEqual([]);
  });

  it("misses no change that comes while the index is built", async () => {
    const { stores, restarted } = await createPopulated();
    const listed = Promise.withResolvers<void>();
    const gate = Promise.withResolvers<void>();
    const agents = {
      ...stores.agents,
      async list(afterId: string, limit: number) {
        const page = await stores.agents.list(afterId, limit);
        listed.resolve();
        await gate.promise;
        return page;
      },
    };
    const { api, join } = restarted({ stores: { ...stores, agents } });
    const search = api.listAgents(callAs(asAgent("poet")), { query: "newcomer" });
    await listed.promise;
    await join("late", { name: "Newcomer" });
    gate.resolve();
    expect((await search).agents).toMatchObject([{ agentId: "late" }]);
  });

  it("builds the index anew after the store failed", async () => {
    const { stores, restarted } = await createPopulated();
    let isAway = true;
    const agents = {
      ...stores.agents,
      list: (afterId: string, limit: number) =>
        isAway ? Promise.reject(new Error("away")) : stores.agents.list(afterId, limit),
    };
    const { api } = restarted({ stores: { ...stores, agents } });
    const call = callAs(asAgent("poet"));
    await expect(api.listAgents(call, { query: "jurist" })).rejects.toThrow("away");
    isAway = false;
    expect((await api.listAgents(call, { query: "jurist" })).agents).toHaveLength(1);
  });

  it("filters and pages what it finds", async () => {
    const { api, find, join } = await createPopulated();
    expect(await find("expert", asAgent("poet"), { status: "available" })).toEqual([]);
    expect(await find("expert", asAgent("poet"), { status: "busy", capability: "coding" })).toEqual([
      "dealer",
    ]);
    for (let count = 0; count < 7; count += 1) await join(`worker-${count}`, { description: "assembles" });
    const call = callAs(asAgent("poet"));
    const seen: string[] = [];
    let cursor: string | undefined;
    do {
      const input = { query: "assembles", limit: 3, ...(cursor === undefined ? {} : { cursor }) };
      const page = await api.listAgents(call, input);
      seen.push(...page.agents.map(({ agentId }) => agentId));
      cursor = page.cursor;
    } while (cursor !== undefined);
    expect([...seen].sort()).toEqual(Array.from({ length: 7 }, (_, index) => `worker-${index}`));
  });

  it("takes no more of the hub's time than a caller may have", async () => {
    const { restarted, clock } = await createPopulated();
    // Every look at the clock takes 300 ms: so does, then, the search for a word.
    const slow = {
      nowUnixMs: clock.nowUnixMs,
      steadyMs() {
        clock.advance(300);
        return clock.steadyMs();
      },
    };
    const { api } = restarted({ clock: slow });
    const search = (principal: Principal): Promise<unknown> =>
      codeOf(api.listAgents(callAs(principal), { query: "one two three four" }));
    const codes: unknown[] = [];
    while (codes.length < 20 && !codes.includes("rate_limited")) codes.push(await search(ANONYMOUS));
    expect(codes.slice(0, 2)).toEqual(["no error", "no error"]);
    expect(codes.at(-1)).toBe("rate_limited");
    expect(await search(asAgent("poet"))).toBe("no error");
    clock.advance(60_000);
    expect(await search(ANONYMOUS)).toBe("no error");
    for (let count = 0; count < 10; count += 1) expect(await search(ADMIN)).toBe("no error");
  });

  it("bounds the query", async () => {
    const { api } = await createPopulated();
    const call = callAs(asAgent("poet"));
    expect(await codeOf(api.listAgents(call, { query: "x".repeat(257) }))).toBe("invalid_argument");
    expect(await codeOf(api.listAgents(call, { query: "legal", cursor: "poet" }))).toBe("invalid_argument");
    expect(await codeOf(api.listAgents(call, { query: "legal", cursor: "~-1" }))).toBe("invalid_argument");
    expect(await codeOf(api.listAgents(call, { query: "a b ".repeat(64) }))).toBe("no error");
  });
});
