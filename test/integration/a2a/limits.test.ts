import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { type Answer, errorOf, resultOf, type ToldError, wiresTo } from "./wires.ts";

const RESOURCE_EXHAUSTED = 8;
const PER_MINUTE = 6;

const message = (changes: object = {}) => ({
  message: { messageId: randomUUID(), role: "ROLE_USER", parts: [{ text: "x" }], ...changes },
  configuration: { returnImmediately: true },
});

let hub: TestHub;

/** Says in the words of the binding what was refused for now, and when to come again. */
function expectRetry(error: ToldError, reason: string, httpStatus: number): void {
  expect(error).toMatchObject({ reason, domain: "meshkore.dev" });
  if (error.httpStatus === undefined) expect(error.code).toBe(RESOURCE_EXHAUSTED);
  else {
    expect(error.httpStatus).toBe(httpStatus);
    expect([httpStatus, -32000]).toContain(error.code);
  }
  expect(error.retryAfter).toMatch(/^[1-9]\d*$/);
  expect(error.retryDelayS).toBe(Number(error.retryAfter));
  expect(error.metadata["hint"]).toBeTypeOf("string");
}

/** The first refusal, and how many were taken before it. @throws when there is none among fifty */
async function firstRefusal(send: () => Promise<Answer>): Promise<readonly [number, ToldError]> {
  for (let taken = 0; taken < 50; taken++) {
    const { error } = await send();
    if (error !== undefined) return [taken, error];
  }
  throw new Error("it was never refused");
}

/** All but the inbox: what one wire uses up another has not. */
const LIMITS = {
  MESHKORE_RATE_PER_MINUTE: String(PER_MINUTE),
  MESHKORE_ATTEMPTS_PER_MINUTE: "3",
  MESHKORE_MAX_PAYLOAD_BYTES: "4096",
};

describe.each(wiresTo(() => hub))("over $binding", ({ call, binding }) => {
  let agents: readonly TestAgent[] = [];
  let worker: TestAgent;

  beforeAll(async () => {
    hub = await startHub({ env: LIMITS });
    agents = await Promise.all(["alice", "carol", "dora", "erin"].map((id) => hub.join(id)));
    for (const id of ["open", "open-too"]) worker = await hub.join(id, { profile: { access: "public" } });
  });

  afterAll(() => hub[Symbol.asyncDispose]());

  it("messages beyond the limit of a minute are refused, of members and of strangers, each by itself", async () => {
    const [alice, carol] = agents;
    const sendAs = (agent: TestAgent | undefined) => () =>
      call("SendMessage", message(), { agent: "open", token: agent?.token });
    for (const who of [alice, undefined]) {
      const [taken, error] = await firstRefusal(sendAs(who));
      // A bucket that refills while the test runs.
      expect(taken).toBeGreaterThanOrEqual(PER_MINUTE);
      expectRetry(error, "RATE_LIMITED", 429);
    }
    resultOf(await sendAs(carol)());
    // What costs nothing goes on, and what streams is refused alike.
    resultOf(await call("ListTasks", {}, { agent: "open", token: alice?.token }));
    const streamed = await call("SendStreamingMessage", message(), { agent: "open", token: alice?.token });
    expectRetry(errorOf(streamed), "RATE_LIMITED", 429);
  });

  it("turns of a task count as messages do", async () => {
    const [, , dora] = agents;
    const to = { agent: "open-too", token: dora?.token };
    const { id: taskId } = Object(resultOf(await call("SendMessage", message(), to))["task"]);
    const [taken, error] = await firstRefusal(() => call("SendMessage", message({ taskId }), to));
    expect(taken).toBeGreaterThanOrEqual(PER_MINUTE - 1);
    expectRetry(error, "RATE_LIMITED", 429);
    // What its worker says does not count.
    for (let n = 0; n < 2 * PER_MINUTE; n++) {
      const said = await worker.post(`/tasks/${taskId}/messages`, { payload: n, status: "working" });
      expect(said.status, said.text).toBe(200);
    }
  });

  it("what is too large is refused, and no retry is promised", async () => {
    const [, , , erin] = agents;
    const text = "x".repeat(5000);
    const sent = await call("SendMessage", message({ parts: [{ text }] }), {
      agent: "open",
      token: erin?.token,
    });
    const error = errorOf(sent);
    expect(error.reason).toBe("TOO_LARGE");
    expect(error.code).toBe({ JSONRPC: -32000, "HTTP+JSON": 413, GRPC: RESOURCE_EXHAUSTED }[binding]);
    expect([error.retryAfter, error.retryDelayS]).toEqual([undefined, undefined]);
  });

  it("wrong tokens are refused before long, and say when to come again", async () => {
    const guess = () =>
      call("GetTask", { id: randomUUID() }, { agent: "bob", token: `wrong-${randomUUID()}` });
    const reasons: string[] = [];
    for (let n = 0; n < 3; n++) reasons.push(errorOf(await guess()).reason);
    expect(reasons).toEqual(Array(3).fill("UNAUTHENTICATED"));
    expectRetry(errorOf(await guess()), "RATE_LIMITED", 429);
  });
});

it("an inbox that is full says so on every binding", async () => {
  hub = await startHub({ env: { MESHKORE_INBOX_MAX_MESSAGES: "2" } });
  onTestFinished(() => hub[Symbol.asyncDispose]());
  const alice = await hub.join("alice");
  for (const [n, { call }] of wiresTo(() => hub).entries()) {
    await hub.join(`bob-${n}`);
    const to = { agent: `bob-${n}`, token: alice.token };
    const [taken, full] = await firstRefusal(() => call("SendMessage", message(), to));
    // What is on its way into the inbox is not in it yet.
    expect(taken).toBeGreaterThanOrEqual(2);
    expectRetry(full, "INBOX_FULL", 503);
  }
});
