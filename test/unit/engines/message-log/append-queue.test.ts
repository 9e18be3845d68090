import { describe, expect, it } from "vitest";
import { AppendQueue } from "../../../../src/engines/message-log/embedded/append-queue.ts";
import { newStreamState } from "../../../../src/engines/message-log/embedded/stream-state.ts";
import type { Priority } from "../../../../src/model/envelope.ts";
import { NO_MESSAGE_ID } from "../../../../src/model/message-id.ts";

function filledQueue(records: number): (priority?: Priority) => Promise<unknown> {
  const queue = new AppendQueue({ bytes: 10_000, records: 10 });
  const state = newStreamState("inbox/a", 1);
  const push = (priority: Priority = "high") =>
    queue.push(state, { id: NO_MESSAGE_ID, bytes: new Uint8Array(1), priority });
  for (let count = 0; count < records; count++) void push();
  return push;
}

/** Whether the queue took it: a record that is taken stays pending, a refused one rejects at once. */
async function isRefused(push: Promise<unknown>): Promise<boolean> {
  const refused = push.then(
    () => false,
    (error: unknown) => error,
  );
  const first = await Promise.race([refused, Promise.resolve("pending")]);
  const settled = first === "pending" ? await Promise.race([refused, Promise.resolve("pending")]) : first;
  if (settled === "pending") return false;
  expect(settled).toMatchObject({ code: "unavailable", retryAfterS: 1 });
  return true;
}

describe("a queue that the disk does not keep up with", () => {
  it.each<[records: number, refused: Priority[]]>([
    [4, []],
    [5, ["low"]],
    [8, ["low", "normal"]],
    [10, ["low", "normal", "high"]],
  ])("with %i of 10 waiting refuses %j", async (records, refused) => {
    for (const priority of ["low", "normal", "high"] as const) {
      const push = filledQueue(records);
      expect(await isRefused(push(priority))).toBe(refused.includes(priority));
    }
  });
});
