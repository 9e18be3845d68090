import { describe, expect, it } from "vitest";
import type { PushRecord } from "../../../src/ports/push-store.ts";
import { joinAgents, NOW_MS, numbered, type StoreFactory, useStores } from "./store-fixture.ts";

const MOST = 5;

function pushRecord(taskId: string, configId: string, changes: Partial<PushRecord> = {}): PushRecord {
  return {
    taskId,
    configId,
    ownerId: "alice",
    dialect: "a2a",
    url: "https://client.test/hook?a=größer",
    token: "",
    scheme: "",
    credentials: "",
    createdUnixMs: NOW_MS,
    sent: 1,
    stopped: undefined,
    ...changes,
  };
}

/** Behaviour that every PushStore has. */
export function pushStoreSuite(factory: StoreFactory): void {
  describe("push store", () => {
    const fixture = useStores(factory);

    it("gives a config back as it was put, after a restart too", async () => {
      const push = pushRecord("t1", "größer/1", { token: "tok", scheme: "Bearer", credentials: "s3cret" });
      await fixture.stores.pushes.put(push, MOST);
      await fixture.reopen();
      expect(await fixture.stores.pushes.find("t1", "größer/1")).toEqual(push);
      expect(await fixture.stores.pushes.find("t1", "other")).toBeUndefined();
      expect(await fixture.stores.pushes.find("t2", "größer/1")).toBeUndefined();
    });

    it("replaces the one of the same id, and refuses one too many and leaves it out", async () => {
      const { pushes } = fixture.stores;
      for (const id of numbered("c", MOST)) await pushes.put(pushRecord("t1", id), MOST);
      const replaced = pushRecord("t1", "c00000", { url: "https://other.test/", sent: 7 });
      await pushes.put(replaced, MOST);
      expect(await pushes.find("t1", "c00000")).toEqual(replaced);
      await expect(pushes.put(pushRecord("t1", "d"), MOST)).rejects.toMatchObject({
        code: "failed_precondition",
      });
      expect(await pushes.find("t1", "d")).toBeUndefined();
      await pushes.put(pushRecord("t2", "d"), MOST);
      expect(await pushes.find("t2", "d")).toBeDefined();
    });

    it("keeps the bound when many come at once", async () => {
      const { pushes } = fixture.stores;
      const puts = numbered("c", MOST * 3).map((id) => pushes.put(pushRecord("t1", id), MOST));
      const settled = await Promise.allSettled(puts);
      expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(MOST);
      expect(await pushes.list("t1", "", 100)).toHaveLength(MOST);
    });

    it("lists those of a task by id, page by page", async () => {
      const { pushes } = fixture.stores;
      for (const id of ["b", "a", "c"]) await pushes.put(pushRecord("t1", id), MOST);
      await pushes.put(pushRecord("t2", "z"), MOST);
      expect((await pushes.list("t1", "", 2)).map(({ configId }) => configId)).toEqual(["a", "b"]);
      expect((await pushes.list("t1", "b", 2)).map(({ configId }) => configId)).toEqual(["c"]);
    });

    it("moves progress forward alone, and keeps why it stopped", async () => {
      const { pushes } = fixture.stores;
      await pushes.put(pushRecord("t1", "a", { sent: 3 }), MOST);
      const stopped = { reason: "it answers 500", atUnixMs: NOW_MS };
      await pushes.progress("t1", "a", { sent: 5, stopped });
      expect(await pushes.find("t1", "a")).toMatchObject({ sent: 5, stopped });
      await pushes.progress("t1", "a", { sent: 4, stopped: undefined });
      expect(await pushes.find("t1", "a")).toMatchObject({ sent: 5, stopped: undefined });
      await pushes.progress("t1", "nobody", { sent: 4, stopped: undefined });
    });

    it("names the tasks that have some which go on", async () => {
      const { pushes } = fixture.stores;
      const stopped = { reason: "", atUnixMs: NOW_MS };
      await pushes.put(pushRecord("t1", "a"), MOST);
      await pushes.put(pushRecord("t1", "b", { stopped }), MOST);
      await pushes.put(pushRecord("t2", "a", { stopped }), MOST);
      await pushes.put(pushRecord("t3", "a"), MOST);
      await pushes.put(pushRecord("t3", "b"), MOST);
      expect(await pushes.openTasks("", 10)).toEqual(["t1", "t3"]);
      expect(await pushes.openTasks("", 1)).toEqual(["t1"]);
      expect(await pushes.openTasks("t1", 10)).toEqual(["t3"]);
      expect(await pushes.remove("t1", "a")).toBe(true);
      expect(await pushes.remove("t1", "a")).toBe(false);
      expect(await pushes.openTasks("", 10)).toEqual(["t3"]);
    });

    it("forgets those of tasks that are removed", async () => {
      const { pushes, tasks } = fixture.stores;
      for (const taskId of ["t1", "t2", "t3"]) await pushes.put(pushRecord(taskId, "a"), MOST);
      await tasks.remove(["t1", "t3"]);
      expect(await pushes.openTasks("", 10)).toEqual(["t2"]);
    });

    it("forgets those of an agent that is removed", async () => {
      await joinAgents(fixture.stores, "alice", "bob");
      const { pushes, agents } = fixture.stores;
      await pushes.put(pushRecord("t1", "a"), MOST);
      await pushes.put(pushRecord("t1", "b", { ownerId: "bob" }), MOST);
      await agents.remove("alice", NOW_MS);
      expect((await pushes.list("t1", "", 10)).map(({ configId }) => configId)).toEqual(["b"]);
    });
  });
}
