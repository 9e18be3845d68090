import { describe, expect, it } from "vitest";
import type { OutcomeRecord } from "../../../src/ports/outcome-store.ts";
import { NOW_MS, numbered, type StoreFactory, useStores } from "./store-fixture.ts";

/** Behaviour that every OutcomeStore has. */
export function outcomeStoreSuite(factory: StoreFactory): void {
  describe("outcome store", () => {
    describe("outcomes", () => outcomeTests(factory));
    describe("dead messages", () => deadTests(factory));
  });
}

function outcomeRecord(messageId: string, changes: Partial<OutcomeRecord> = {}): OutcomeRecord {
  return {
    messageId,
    senderId: "alice",
    receiver: "bob",
    state: "failed",
    note: "",
    atUnixMs: NOW_MS,
    ...changes,
  };
}

function outcomeTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("gives an outcome back as it was added, after a restart too", async () => {
    const outcome = outcomeRecord("m1", { receiver: "#team", note: "it broke, größer", state: "processed" });
    expect(await fixture.stores.outcomes.add([outcome])).toEqual([outcome]);
    await fixture.reopen();
    expect(await fixture.stores.outcomes.find("m1")).toEqual(outcome);
    expect(await fixture.stores.outcomes.find("m2")).toBeUndefined();
  });

  it("keeps the first outcome of a message and says which were new", async () => {
    const { outcomes } = fixture.stores;
    const first = outcomeRecord("m1", { state: "processed" });
    const second = outcomeRecord("m2");
    await outcomes.add([first]);
    expect(await outcomes.add([outcomeRecord("m1"), second, outcomeRecord("m2", { note: "late" })])).toEqual([
      second,
    ]);
    expect(await outcomes.find("m1")).toEqual(first);
    expect(await outcomes.find("m2")).toEqual(second);
    expect(await outcomes.add([])).toEqual([]);
  });

  it("tells exactly one of many at once that its outcome was new", async () => {
    const attempts = Array.from({ length: 20 }, (_, index) =>
      fixture.stores.outcomes.add([outcomeRecord("m1", { note: `${index}` })]),
    );
    const added = (await Promise.all(attempts)).flat();
    expect(added).toHaveLength(1);
    expect(await fixture.stores.outcomes.find("m1")).toEqual(added[0]);
  });

  it("adds thousands in one call, in their order", async () => {
    const many = numbered("m", 2345).map((id) => outcomeRecord(id));
    expect(await fixture.stores.outcomes.add(many)).toEqual(many);
  });

  it("forgets what is older, all of it", async () => {
    const { outcomes } = fixture.stores;
    await outcomes.add(numbered("old", 2300).map((id) => outcomeRecord(id, { atUnixMs: NOW_MS - 1 })));
    await outcomes.add([outcomeRecord("new", { atUnixMs: NOW_MS })]);
    expect(await outcomes.prune(NOW_MS)).toBe(2300);
    expect(await outcomes.prune(NOW_MS)).toBe(0);
    expect(await outcomes.find("old00000")).toBeUndefined();
    expect(await outcomes.find("new")).toBeDefined();
  });
}

function deadTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("counts those of all senders that did not end well", async () => {
    const { outcomes } = fixture.stores;
    expect(await outcomes.countDead()).toBe(0);
    await outcomes.add([
      outcomeRecord("m1"),
      outcomeRecord("m2", { state: "processed" }),
      outcomeRecord("m3", { senderId: "carol", state: "expired" }),
    ]);
    expect(await outcomes.countDead()).toBe(2);
  });

  it("pages through a sender's failed and expired messages, newest first", async () => {
    const { outcomes } = fixture.stores;
    const ids = numbered("m", 30);
    const states = ["failed", "processed", "expired"] as const;
    await outcomes.add(ids.map((id, index) => outcomeRecord(id, { state: states[index % 3] ?? "failed" })));
    await outcomes.add([outcomeRecord("m-others", { senderId: "carol" })]);
    const seen: OutcomeRecord[] = [];
    for (let beforeId = ""; ; beforeId = seen.at(-1)?.messageId ?? "") {
      const page = await outcomes.dead("alice", beforeId, 7);
      if (page.length === 0) break;
      seen.push(...page);
    }
    const expected = ids.filter((_, index) => index % 3 !== 1).toReversed();
    expect(seen.map((outcome) => outcome.messageId)).toEqual(expected);
    expect(seen.every((outcome) => outcome.state !== "processed")).toBe(true);
  });
}
