import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestHub, withHub } from "../../support/hub.ts";
import type { RestAnswer } from "../../support/rest-client.ts";

let hub: TestHub;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_RATE_PER_MINUTE: "8", MESHKORE_INBOX_MAX_MESSAGES: "3" } });
});
afterAll(() => hub?.[Symbol.asyncDispose]());

function expectRetry(answer: RestAnswer, code: string): void {
  expect(answer.refusal().code).toBe(code);
  expect(answer.headers.get("retry-after")).toMatch(/^[1-9]\d*$/);
  expect(answer.refusal().retry_after_s).toBe(Number(answer.headers.get("retry-after")));
}

describe("what is limited", () => {
  test("429: messages a minute, by agent", async () => {
    const fast = await hub.join("fast");
    const slow = await hub.join("slow");
    const statuses: number[] = [];
    for (let n = 0; n < 9; n++) {
      const answer = await fast.post("/send", {
        to: n % 2 === 0 ? "slow" : "fast",
        payload: n,
        receipts: false,
      });
      statuses.push(answer.status);
      if (answer.status === 429) expectRetry(answer, "rate_limited");
    }
    expect(statuses.filter((status) => status === 429).length).toBeGreaterThanOrEqual(1);
    expect((await slow.get("/messages")).status).toBe(200);
  });

  test("503: an inbox that nobody empties, until somebody does", async () => {
    const writer = await hub.join("writer");
    const sleeper = await hub.join("sleeper");
    const send = () => writer.post("/send", { to: "sleeper", payload: 1, receipts: false });
    for (let n = 0; n < 3; n++) expect((await send()).status).toBe(202);
    const full = await send();
    expect(full.status).toBe(503);
    expectRetry(full, "inbox_full");
    const page = await sleeper.get("/messages");
    expect((await sleeper.post("/messages/ack", { cursor: page.field("cursor") })).status).toBe(204);
    expect((await send()).status).toBe(202);
  });

  test("a free plan owns three channels", async () => {
    const owner = await hub.join("owner");
    await hub.admin("PUT", "/agents/owner/plan", { body: { plan: "free" } });
    for (const name of ["one", "two", "three"])
      expect((await owner.post("/channels", { name })).status).toBe(201);
    const fourth = await owner.post("/channels", { name: "four" });
    expect(fourth.status).toBe(429);
    expect(fourth.refusal().code).toBe("quota_exceeded");
    await hub.admin("PUT", "/agents/owner/plan", { body: { plan: "pro" } });
    expect((await owner.post("/channels", { name: "four" })).status).toBe(201);
  });

  test("429: guessing nonces, keys and tokens", async () => {
    const tries = await withHub({ env: { MESHKORE_ATTEMPTS_PER_MINUTE: "3" } }, async (guarded) => {
      const answers: RestAnswer[] = [];
      for (let n = 0; n < 5; n++) {
        answers.push(await guarded.call("POST", `/join/guess-${n}`, { body: { agent_id: "mallory" } }));
      }
      return answers;
    });
    expect(tries[0]?.status).toBe(404);
    const last = tries.at(-1);
    expect(last?.status).toBe(429);
    if (last !== undefined) expectRetry(last, "rate_limited");
  });
});
