import { describe, expect, it } from "vitest";
import { createOverviewApi } from "../../../src/api/overview.ts";
import { ANONYMOUS } from "../../../src/model/principal.ts";
import { createOverview } from "../../../src/registry/overview.ts";
import { ADMIN, asAgent, callAs, codeOf, createFixture, START_MS } from "./registry-fixture.ts";

function createOverviewFixture() {
  const fixture = createFixture();
  const { registry, stores, clock } = fixture;
  const overview = createOverviewApi(
    createOverview({
      hubId: "hub.test",
      version: "1.2.3",
      stores,
      agents: registry.agents,
      directory: registry.directory,
      presence: registry.presence,
      clock,
      limits: { ratePerMinute: 60, maxPayloadBytes: 1_024 },
      unread: async (agentId) => ({ unread: agentId.length, cursor: "1-7" }),
      channelsOf: async () => [],
      channelCount: async () => 4,
    }),
  );
  const edge = (from: string, to: string, messages: number) => ({
    from,
    to,
    messages,
    bytes: messages * 10,
    lastUnixMs: START_MS,
  });
  return { ...fixture, overview, edge };
}

describe("overview", () => {
  it("counts", async () => {
    const { overview, stores, join, clock, edge } = createOverviewFixture();
    await join("alice");
    clock.advance(90_500);
    await join("bob");
    await stores.traffic.add("2027-01", [edge("alice", "bob", 3), edge("bob", "alice", 2)]);
    expect(await overview.stats(callAs(asAgent("alice")))).toEqual({
      hubId: "hub.test",
      version: "1.2.3",
      agents: 2,
      online: 1,
      channels: 4,
      messagesAccepted: 5,
      bytesAccepted: 50,
      uptimeS: 90,
    });
  });

  it("shows an agent its own edges and the operator all", async () => {
    const { overview, stores, join, edge } = createOverviewFixture();
    await join("alice");
    await stores.traffic.add("2027-01", [edge("alice", "bob", 3), edge("bob", "carol", 9)]);
    const line = { messages: 3, lastUnixMs: START_MS };
    expect(await overview.network(callAs(asAgent("alice")))).toEqual({
      agents: 1,
      online: 1,
      messages: 12,
      edges: [{ from: "alice", to: "bob", ...line }],
    });
    const all = await overview.network(callAs(ADMIN));
    expect(all.edges.map(({ from, to }) => `${from} ${to}`)).toEqual(["bob carol", "alice bob"]);
  });

  it("tells an agent what it needs to act, others online first and without itself", async () => {
    const { overview, join, clock, registry } = createOverviewFixture();
    for (const id of ["alice", "bob", "carol", "dave"]) await join(id);
    await join("hidden", { visibility: "hidden" });
    clock.advance(3_600_000);
    const detach = registry.presence.attached("dave");
    registry.presence.attached("hidden");
    registry.presence.seen("alice");
    const context = await overview.context(callAs(asAgent("alice")));
    expect(context).toMatchObject({
      hubId: "hub.test",
      you: { agentId: "alice", plan: "open" },
      unread: 5,
      cursor: "1-7",
      channels: [],
      limits: { perMinute: 60, maxPayloadBytes: 1_024, plan: "open" },
    });
    expect(context.agents.map(({ agentId, online }) => `${agentId} ${online}`)).toEqual([
      "dave true",
      "bob false",
      "carol false",
    ]);
    detach();
  });

  it("shows at most 50 others", async () => {
    const { overview, join } = createOverviewFixture();
    for (let count = 0; count < 60; count += 1) await join(`a${count}`);
    expect((await overview.context(callAs(asAgent("a0")))).agents).toHaveLength(50);
  });

  it("is for members and the operator", async () => {
    const { overview } = createOverviewFixture();
    const stranger = callAs(ANONYMOUS);
    expect(await codeOf(overview.stats(stranger))).toBe("unauthenticated");
    expect(await codeOf(overview.network(stranger))).toBe("unauthenticated");
    expect(await codeOf(overview.context(stranger))).toBe("unauthenticated");
    expect(await codeOf(overview.context(callAs(ADMIN)))).toBe("permission_denied");
    expect(await codeOf(overview.context(callAs(asAgent("nobody"))))).toBe("unauthenticated");
  });
});
