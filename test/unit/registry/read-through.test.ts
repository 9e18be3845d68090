import { describe, expect, it } from "vitest";
import { createReadThrough } from "../../../src/registry/read-through.ts";
import { createHeldClock } from "./registry-fixture.ts";

/** A source whose loads end when the test says so. */
function createFixture(absentMs = 1_000) {
  const clock = createHeldClock();
  const loads: { key: string; finish: PromiseWithResolvers<string | undefined> }[] = [];
  const memory = createReadThrough<string>({
    clock,
    maxWeight: 2,
    absentMs,
    load(key) {
      const finish = Promise.withResolvers<string | undefined>();
      loads.push({ key, finish });
      return finish.promise;
    },
  });
  return { memory, clock, loads };
}

describe("read through", () => {
  it("answers at once what it remembers, and shares one load", async () => {
    const { memory, loads } = createFixture();
    const both = Promise.all([memory.get("a"), memory.get("a")]);
    loads[0]?.finish.resolve("one");
    expect(await both).toEqual(["one", "one"]);
    expect(memory.get("a")).toBe("one");
    expect(loads).toHaveLength(1);
  });

  it("does not keep what was loaded before the key was forgotten", async () => {
    const { memory, loads } = createFixture();
    const early = memory.get("a");
    memory.forget("a");
    const late = memory.get("a");
    loads[1]?.finish.resolve("new");
    expect(await late).toBe("new");
    loads[0]?.finish.resolve("old");
    expect(await early).toBe("old");
    expect(memory.get("a")).toBe("new");
  });

  it("does not keep an absence that was read before the key came", async () => {
    const { memory, loads } = createFixture();
    const early = memory.get("a");
    memory.forget("a");
    loads[0]?.finish.resolve(undefined);
    expect(await early).toBeUndefined();
    expect(memory.get("a")).toBeInstanceOf(Promise);
  });

  it("remembers for a while that there is nothing", async () => {
    const { memory, clock, loads } = createFixture();
    const first = memory.get("a");
    loads[0]?.finish.resolve(undefined);
    await first;
    clock.advance(999);
    expect(memory.get("a")).toBeUndefined();
    clock.advance(1);
    expect(memory.get("a")).toBeInstanceOf(Promise);
  });

  it("remembers no failure", async () => {
    const { memory, loads } = createFixture();
    const both = [memory.get("a"), memory.get("a")];
    loads[0]?.finish.reject(new Error("the store is away"));
    for (const one of both) await expect(one).rejects.toThrow("the store is away");
    const again = memory.get("a");
    loads[1]?.finish.resolve("back");
    expect(await again).toBe("back");
  });

  it("is not emptied by asking for what is not there", async () => {
    const { memory, loads } = createFixture();
    const there = memory.get("there");
    loads[0]?.finish.resolve("yes");
    await there;
    for (let count = 0; count < 100; count += 1) {
      const made = memory.get(`made-up-${count}`);
      loads.at(-1)?.finish.resolve(undefined);
      await made;
    }
    expect(memory.get("there")).toBe("yes");
  });
});
