import { describe, expect, it } from "vitest";
import type { EdgeRecord } from "../../../src/ports/traffic-store.ts";
import { NOW_MS, numbered, type StoreFactory, useStores } from "./store-fixture.ts";

/** Behaviour that every TrafficStore has. */
export function trafficStoreSuite(factory: StoreFactory): void {
  describe("traffic store", () => {
    const fixture = useStores(factory);

    it("adds to edges, months and totals", async () => {
      const { traffic } = fixture.stores;
      await traffic.add("2026-11", [edge("alice", "bob", 2, 100), edge("alice", "carol", 1, 10)]);
      await traffic.add("2026-12", [{ ...edge("alice", "bob", 3, 50), lastUnixMs: NOW_MS + 5 }]);
      await traffic.add("2026-12", [{ ...edge("alice", "bob", 1, 1), lastUnixMs: NOW_MS - 5 }]);
      expect(await traffic.edges(undefined, 10)).toEqual([
        { ...edge("alice", "bob", 6, 151), lastUnixMs: NOW_MS + 5 },
        edge("alice", "carol", 1, 10),
      ]);
      expect(await traffic.sent("alice", "2026-11")).toBe(3);
      expect(await traffic.sent("alice", "2026-12")).toBe(4);
      expect(await traffic.sent("bob", "2026-11")).toBe(0);
      expect(await traffic.totals()).toEqual({ messages: 7, bytes: 161 });
    });

    it("starts at nothing, and nothing adds nothing", async () => {
      const { traffic } = fixture.stores;
      await traffic.add("2026-11", []);
      expect(await traffic.totals()).toEqual({ messages: 0, bytes: 0 });
      expect(await traffic.edges(undefined, 10)).toEqual([]);
    });

    it("adds up an edge that comes twice in one call", async () => {
      const { traffic } = fixture.stores;
      await traffic.add("2026-11", [
        { ...edge("alice", "bob", 1, 5), lastUnixMs: NOW_MS + 9 },
        edge("alice", "bob", 2, 7),
      ]);
      expect(await traffic.edges("bob", 10)).toEqual([
        { ...edge("alice", "bob", 3, 12), lastUnixMs: NOW_MS + 9 },
      ]);
      expect(await traffic.sent("alice", "2026-11")).toBe(3);
    });

    it("shows an agent the edges that touch it, busiest first, up to the limit", async () => {
      const { traffic } = fixture.stores;
      await traffic.add("2026-11", [
        edge("alice", "bob", 1, 1),
        edge("bob", "carol", 9, 1),
        edge("carol", "dave", 5, 1),
        edge("dave@hub-b.test", "bob", 4, 1),
      ]);
      const seen = (await traffic.edges("bob", 10)).map((one) => `${one.from} ${one.to}`);
      expect(seen).toEqual(["bob carol", "dave@hub-b.test bob", "alice bob"]);
      expect(await traffic.edges(undefined, 2)).toEqual([
        edge("bob", "carol", 9, 1),
        edge("carol", "dave", 5, 1),
      ]);
    });

    it("counts right with thousands of edges, many calls at once and big numbers", async () => {
      const { traffic } = fixture.stores;
      const edges = numbered("r", 1500).map((to) => edge("alice", to, 1, 2 ** 40));
      await Promise.all([1, 2, 3].map(() => traffic.add("2026-11", edges)));
      expect(await traffic.sent("alice", "2026-11")).toBe(4500);
      expect(await traffic.totals()).toEqual({ messages: 4500, bytes: 4500 * 2 ** 40 });
      await fixture.reopen();
      expect(await fixture.stores.traffic.totals()).toEqual({ messages: 4500, bytes: 4500 * 2 ** 40 });
    });
  });
}

function edge(from: string, to: string, messages: number, bytes: number): EdgeRecord {
  return { from, to, messages, bytes, lastUnixMs: NOW_MS };
}
