import { describe, expect, it } from "vitest";
import type { ReachCredentialRecord } from "../../../src/ports/reach-credential-store.ts";
import type { ReachRecord, RemoteTaskRecord } from "../../../src/ports/reach-store.ts";
import { joinAgents, NOW_MS, type StoreFactory, useStores } from "./store-fixture.ts";

const reach = (agentId: string, changes: Partial<ReachRecord> = {}): ReachRecord => ({
  ...{
    agentId,
    dialect: "a2a",
    address: '{"card_url":"https://größer.test/"}',
    facts: "{}",
    checkedUnixMs: NOW_MS,
  },
  ...changes,
});
const task = (taskId: string, changes: Partial<RemoteTaskRecord> = {}): RemoteTaskRecord => ({
  ...{ taskId, agentId: "remo", contextId: "c", remoteTaskId: `there-${taskId}`, remoteContextId: "there-c" },
  ...{ isOpen: true, changedUnixMs: NOW_MS },
  ...changes,
});

/** Behaviour that every ReachStore has. */
export function reachStoreSuite(factory: StoreFactory): void {
  describe("reach store", () => {
    const fixture = useStores(factory);

    it("gives back what was put last, after a restart too, until the agent is gone", async () => {
      await joinAgents(fixture.stores, "remo");
      await fixture.stores.reaches.put(reach("remo"));
      const last = reach("remo", { facts: '{"etag":"x"}', checkedUnixMs: NOW_MS + 1 });
      await fixture.stores.reaches.put(last);
      await fixture.reopen();
      expect(await fixture.stores.reaches.find("remo")).toEqual(last);
      await fixture.stores.reaches.remove("remo");
      expect(await fixture.stores.reaches.find("remo")).toBeUndefined();
      await fixture.stores.reaches.put(last);
      await fixture.stores.agents.remove("remo", NOW_MS);
      expect(await fixture.stores.reaches.find("remo")).toBeUndefined();
      await fixture.stores.reaches.put(last);
      expect(await fixture.stores.reaches.find("remo")).toBeUndefined();
    });

    it("tells what a task is called there, and which are open", async () => {
      const { reaches } = fixture.stores;
      for (const id of ["t2", "t1", "t3"]) await reaches.putTask(task(id));
      await reaches.putTask(task("t4", { agentId: "other" }));
      const ended = task("t2", { isOpen: false, changedUnixMs: NOW_MS + 5 });
      await reaches.putTask(ended);
      expect(await reaches.task("t2")).toEqual(ended);
      expect(await reaches.task("t9")).toBeUndefined();
      expect(await reaches.openTasks("remo", "", 10)).toEqual([task("t1"), task("t3")]);
      expect(await reaches.openTasks("remo", "t1", 1)).toEqual([task("t3")]);
      expect(await reaches.openTasks("remo", "", 1)).toEqual([task("t1")]);
    });

    it("tells what a context is called there, as of its latest task", async () => {
      const { reaches } = fixture.stores;
      await reaches.putTask(task("t1", { remoteContextId: "new", changedUnixMs: NOW_MS + 9 }));
      await reaches.putTask(task("t2", { remoteContextId: "old" }));
      await reaches.putTask(task("t3", { remoteContextId: "", changedUnixMs: NOW_MS + 10 }));
      expect(await reaches.remoteContext("remo", "c")).toBe("new");
      expect(await reaches.remoteContext("remo", "d")).toBeUndefined();
      expect(await reaches.remoteContext("other", "c")).toBeUndefined();
    });

    it("forgets those of tasks that are removed", async () => {
      const { reaches, tasks } = fixture.stores;
      for (const id of ["t1", "t2"]) await reaches.putTask(task(id));
      await tasks.remove(["t1"]);
      expect(await reaches.openTasks("remo", "", 10)).toEqual([task("t2")]);
    });
  });
}

const credential = (
  agentId: string,
  changes: Partial<ReachCredentialRecord> = {},
): ReachCredentialRecord => ({
  ...{ agentId, origin: "https://remote.test", header: "x-api-key", sealed: "c2VhbGVk", setUnixMs: NOW_MS },
  ...changes,
});

/** Behaviour that every ReachCredentialStore has. */
export function reachCredentialStoreSuite(factory: StoreFactory): void {
  describe("reach credential store", () => {
    const fixture = useStores(factory);

    it("gives back what was put last, after a restart too, until it is removed or the agent is gone", async () => {
      await joinAgents(fixture.stores, "remo");
      const credentials = () => fixture.stores.reachCredentials;
      expect(await credentials().remove("remo")).toBe(false);
      await credentials().put(credential("remo"));
      const last = credential("remo", {
        header: "authorization",
        sealed: "YW5vdGhlcg",
        setUnixMs: NOW_MS + 1,
      });
      await credentials().put(last);
      await fixture.reopen();
      expect(await credentials().find("remo")).toEqual(last);
      expect(await credentials().remove("remo")).toBe(true);
      expect(await credentials().find("remo")).toBeUndefined();
      await credentials().put(last);
      await fixture.stores.agents.remove("remo", NOW_MS);
      expect(await credentials().find("remo")).toBeUndefined();
      await credentials().put(last);
      expect(await credentials().find("remo")).toBeUndefined();
    });
  });
}
