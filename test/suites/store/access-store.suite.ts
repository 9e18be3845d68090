import { describe, expect, it } from "vitest";
import { joinAgents, type StoreFactory, useStores } from "./store-fixture.ts";

/** Behaviour that every AccessStore has. */
export function accessStoreSuite(factory: StoreFactory): void {
  describe("access store", () => {
    const fixture = useStores(factory);

    it("keeps one rule for each subject", async () => {
      const { access } = fixture.stores;
      await joinAgents(fixture.stores, "alice", "bob");
      await access.put("alice", { subject: "bob", mode: "block" });
      await access.put("alice", { subject: "eve@hub-b.test", mode: "block" });
      await access.put("alice", { subject: "bob", mode: "allow" });
      expect(await access.rules("alice")).toEqual([
        { subject: "bob", mode: "allow" },
        { subject: "eve@hub-b.test", mode: "block" },
      ]);
      expect(await access.rules("bob")).toEqual([]);
    });

    it("keeps them over a restart", async () => {
      await joinAgents(fixture.stores, "alice");
      await fixture.stores.access.put("alice", { subject: "bob", mode: "block" });
      await fixture.reopen();
      expect(await fixture.stores.access.rules("alice")).toEqual([{ subject: "bob", mode: "block" }]);
    });

    it("says whether there was a rule to remove", async () => {
      const { access } = fixture.stores;
      await joinAgents(fixture.stores, "alice");
      await access.put("alice", { subject: "bob", mode: "block" });
      expect(await access.remove("alice", "carol")).toBe(false);
      expect(await access.remove("bob", "bob")).toBe(false);
      expect(await access.remove("alice", "bob")).toBe(true);
      expect(await access.remove("alice", "bob")).toBe(false);
      expect(await access.rules("alice")).toEqual([]);
    });

    it("takes no rule of an unknown agent", async () => {
      const rule = { subject: "bob", mode: "block" as const };
      await expect(fixture.stores.access.put("nobody", rule)).rejects.toMatchObject({ code: "not_found" });
    });
  });
}
