import { expect, test } from "vitest";
import { Cleanup } from "../../../src/model/cleanup.ts";

test("closes in the opposite order, one after the other", async () => {
  const done: string[] = [];
  const cleanup = new Cleanup();
  cleanup.defer(() => void done.push("first"));
  cleanup.use({
    async [Symbol.asyncDispose]() {
      await Promise.resolve();
      done.push("second");
    },
  });
  cleanup.defer(() => void done.push("third"));
  await cleanup[Symbol.asyncDispose]();
  expect(done).toEqual(["third", "second", "first"]);
});

test("goes on after a step that fails, and tells the first failure", async () => {
  const done: string[] = [];
  const cleanup = new Cleanup();
  cleanup.defer(() => void done.push("last"));
  cleanup.defer(() => Promise.reject(new Error("second failure")));
  cleanup.defer(() => {
    throw new Error("first failure");
  });
  await expect(cleanup[Symbol.asyncDispose]()).rejects.toThrow("first failure");
  expect(done).toEqual(["last"]);
});

test("a step that throws undefined is a failure too", async () => {
  const cleanup = new Cleanup();
  cleanup.defer(() => Promise.reject(undefined));
  let threw = false;
  await cleanup[Symbol.asyncDispose]().catch(() => {
    threw = true;
  });
  expect(threw).toBe(true);
});

test("runs nothing twice", async () => {
  let runs = 0;
  const cleanup = new Cleanup();
  cleanup.defer(() => void runs++);
  await Promise.all([cleanup[Symbol.asyncDispose](), cleanup[Symbol.asyncDispose]()]);
  await cleanup[Symbol.asyncDispose]();
  expect(runs).toBe(1);
});
