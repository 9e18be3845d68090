import { expect, it } from "vitest";
import { createTurns } from "../../../src/model/turns.ts";

it("does the work of one key in order, also after a failure, and of different keys at once", async () => {
  const turns = createTurns();
  const gate = Promise.withResolvers<void>();
  const done: string[] = [];
  const first = turns.take("a", async () => {
    await gate.promise;
    done.push("a1");
    throw new Error("a1 fails");
  });
  const second = turns.take("a", async () => done.push("a2"));
  await turns.take("b", async () => done.push("b1"));
  expect(done).toEqual(["b1"]);
  gate.resolve();
  await expect(first).rejects.toThrow("a1 fails");
  await second;
  expect(done).toEqual(["b1", "a1", "a2"]);
});

it("is settled when all that was taken has ended, well or not", async () => {
  const turns = createTurns();
  const gate = Promise.withResolvers<void>();
  const done: string[] = [];
  const failing = turns.take("a", async () => {
    await gate.promise;
    throw new Error("a fails");
  });
  const last = turns.take("a", async () => done.push("a2"));
  const settled = turns.settled().then(() => done.push("settled"));
  gate.resolve();
  await expect(failing).rejects.toThrow("a fails");
  await Promise.all([last, settled]);
  await turns.settled();
  expect(done).toEqual(["a2", "settled"]);
});
