import { expect, test } from "vitest";
import { FlushQueue } from "../../../src/listeners/flush-queue.ts";

test("what is added in one turn is flushed once after it, what is added by a flush in the next turn", async () => {
  const queue = new FlushQueue();
  const flushed: string[] = [];
  const again = { flush: () => flushed.push("again") };
  queue.add({ flush: () => flushed.push("one") });
  queue.add({
    flush: () => {
      flushed.push("two");
      queue.add(again);
    },
  });
  await Promise.resolve();
  expect(flushed).toEqual([]);
  await new Promise((resolve) => setImmediate(resolve));
  expect(flushed).toEqual(["one", "two"]);
  await new Promise((resolve) => setImmediate(resolve));
  await new Promise((resolve) => setImmediate(resolve));
  expect(flushed).toEqual(["one", "two", "again"]);
});
