import { describe, expect, it } from "vitest";
import type { TaskRecord } from "../../../src/ports/task-store.ts";
import { NOW_MS, type StoreFactory, useStores } from "./store-fixture.ts";

/** Behaviour that every TaskStore has. */
export function taskStoreSuite(factory: StoreFactory): void {
  describe("task store", () => {
    describe("one task", () => oneTaskTests(factory));
    describe("keys", () => keyTests(factory));
    describe("lists", () => listTests(factory));
  });
}

function taskRecord(taskId: string, changes: Partial<TaskRecord> = {}): TaskRecord {
  return {
    taskId,
    contextId: "c1",
    caller: "alice",
    worker: "bob",
    dedupeKey: "",
    tellsCaller: true,
    state: 1,
    changedUnixMs: NOW_MS,
    createdUnixMs: NOW_MS,
    isSettled: false,
    ...changes,
  };
}

function oneTaskTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("comes back as it was made, after a restart too", async () => {
    const task = taskRecord("t1", { dedupeKey: "größer", tellsCaller: false, isSettled: true });
    expect(await fixture.stores.tasks.create(task, 0)).toBeUndefined();
    await fixture.reopen();
    expect(await fixture.stores.tasks.find("t1")).toEqual(task);
    expect(await fixture.stores.tasks.find("t2")).toBeUndefined();
  });

  it("changes how it stands, and nothing else", async () => {
    const { tasks } = fixture.stores;
    await tasks.create(taskRecord("t1", { dedupeKey: "k" }), 0);
    const change = { state: 3, changedUnixMs: NOW_MS + 5, isSettled: true };
    await tasks.change("t1", change);
    await tasks.change("t2", change);
    expect(await tasks.find("t1")).toEqual(taskRecord("t1", { dedupeKey: "k", ...change }));
    expect(await tasks.find("t2")).toBeUndefined();
  });

  it("is gone when it is removed", async () => {
    const { tasks } = fixture.stores;
    await tasks.create(taskRecord("t1"), 0);
    await tasks.create(taskRecord("t2"), 0);
    await tasks.remove(["t1", "t3"]);
    await tasks.remove([]);
    expect(await tasks.find("t1")).toBeUndefined();
    expect(await tasks.find("t2")).toBeDefined();
  });
}

function keyTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("a key gives the first task of the same two, and makes nothing", async () => {
    const { tasks } = fixture.stores;
    const first = taskRecord("t1", { dedupeKey: "k" });
    await tasks.create(first, 0);
    expect(await tasks.create(taskRecord("t2", { dedupeKey: "k", contextId: "c2" }), 0)).toEqual(first);
    expect(await tasks.find("t2")).toBeUndefined();
    for (const other of [{ caller: "carol" }, { worker: "carol" }, { dedupeKey: "K" }]) {
      const task = taskRecord(`t-${JSON.stringify(other)}`, { dedupeKey: "k", ...other });
      expect(await tasks.create(task, 0)).toBeUndefined();
    }
  });

  it("tasks without a key have nothing in common", async () => {
    const { tasks } = fixture.stores;
    expect(await tasks.create(taskRecord("t1"), 0)).toBeUndefined();
    expect(await tasks.create(taskRecord("t2"), 0)).toBeUndefined();
  });

  it("a key that is too old makes a new task", async () => {
    const { tasks } = fixture.stores;
    await tasks.create(taskRecord("t1", { dedupeKey: "k" }), 0);
    const second = taskRecord("t2", { dedupeKey: "k", createdUnixMs: NOW_MS + 10 });
    expect(await tasks.create(second, NOW_MS + 1)).toBeUndefined();
    expect(await tasks.create(taskRecord("t3", { dedupeKey: "k" }), NOW_MS + 1)).toEqual(second);
  });
}

function listTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  async function fill(): Promise<void> {
    const { tasks } = fixture.stores;
    const rows: [string, Partial<TaskRecord>][] = [
      ["t1", { changedUnixMs: 10 }],
      ["t2", { changedUnixMs: 30, contextId: "c2", state: 2 }],
      ["t3", { changedUnixMs: 30, caller: "bob", worker: "alice" }],
      ["t4", { changedUnixMs: 20, caller: "alice", worker: "carol", isSettled: true }],
      ["t5", { changedUnixMs: 40, caller: "dave", worker: "carol" }],
    ];
    for (const [taskId, changes] of rows) await tasks.create(taskRecord(taskId, changes), 0);
  }

  async function ids(query: { party: string; [more: string]: unknown }): Promise<string[]> {
    const { tasks } = await fixture.stores.tasks.list({ limit: 10, ...query });
    return tasks.map(({ taskId }) => taskId);
  }

  it("counts those of anybody that are not settled, without a list of them", async () => {
    const { tasks } = fixture.stores;
    await tasks.create(taskRecord("t1"), 0);
    await tasks.create(taskRecord("t2", { caller: "carol", worker: "dave", state: 2 }), 0);
    await tasks.create(taskRecord("t3", { state: 3, isSettled: true }), 0);
    expect(await tasks.list({ isUnsettled: true, limit: 0 })).toEqual({ tasks: [], total: 2 });
    expect((await tasks.list({ party: "carol", isUnsettled: true, limit: 5 })).total).toBe(1);
  });

  it("has what the agent gave and took, latest change first", async () => {
    await fill();
    expect(await ids({ party: "alice" })).toEqual(["t3", "t2", "t4", "t1"]);
    expect(await ids({ party: "alice", peer: "bob" })).toEqual(["t3", "t2", "t1"]);
    expect(await ids({ party: "alice", worker: "bob" })).toEqual(["t2", "t1"]);
    expect(await ids({ party: "alice", worker: "alice" })).toEqual(["t3"]);
    expect(await ids({ party: "alice", contextId: "c2" })).toEqual(["t2"]);
    expect(await ids({ party: "alice", state: 1 })).toEqual(["t3", "t4", "t1"]);
    expect(await ids({ party: "alice", changedAfterUnixMs: 20 })).toEqual(["t3", "t2"]);
    expect(await ids({ party: "nobody" })).toEqual([]);
  });

  it("goes on behind a task, and counts all pages", async () => {
    await fill();
    const query = { party: "alice", limit: 2 };
    const first = await fixture.stores.tasks.list(query);
    expect([first.tasks.map(({ taskId }) => taskId), first.total]).toEqual([["t3", "t2"], 4]);
    const after = first.tasks[1];
    const second = await fixture.stores.tasks.list({ ...query, after });
    expect([second.tasks.map(({ taskId }) => taskId), second.total]).toEqual([["t4", "t1"], 4]);
  });

  it("has those that are not settled, and those that did not change for long", async () => {
    await fill();
    const { tasks } = fixture.stores;
    expect((await tasks.unsettled("t1", 2)).map(({ taskId }) => taskId)).toEqual(["t2", "t3"]);
    expect((await tasks.unsettled("t3", 5)).map(({ taskId }) => taskId)).toEqual(["t5"]);
    expect((await tasks.unchangedSince(30, 5)).map(({ taskId }) => taskId)).toEqual(["t1", "t4"]);
    expect((await tasks.unchangedSince(30, 1)).map(({ taskId }) => taskId)).toEqual(["t1"]);
  });
}
