import { describe, expect, it, onTestFinished } from "vitest";
import { openHttpServer, textOf } from "../../support/http-server.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";

type Json = Record<string, unknown>;

interface Receiver {
  readonly port: number;
  /** States that came, in order; each call's secrets are checked. */
  readonly states: string[];
  status: number;
  stop(): Promise<void>;
}

async function openReceiver(port = 0): Promise<Receiver> {
  const states: string[] = [];
  const server = await openHttpServer(
    async (request, response) => {
      const body: Json = JSON.parse(await textOf(request));
      expect(request.headers).toMatchObject({
        authorization: "Bearer s3cret",
        "x-a2a-notification-token": "mine",
        "content-type": expect.stringContaining("application/a2a+json"),
      });
      const status: Json = Object(Object(body["statusUpdate"])["status"]);
      states.push(String(status["state"]).replace("TASK_STATE_", ""));
      response.writeHead(receiver.status).end();
    },
    { port },
  );
  const receiver = { states, status: 200, port: server.port, stop: server.stop };
  onTestFinished(() => server.stop().catch(() => undefined));
  return receiver;
}

async function openHub(env: Readonly<Record<string, string>>): Promise<[TestHub, TestAgent, TestAgent]> {
  const hub = await startHub({ env });
  onTestFinished(() => hub[Symbol.asyncDispose]());
  return [hub, await hub.join("alice"), await hub.join("bob")];
}

/** Gives bob a task by A2A, with where its news are wanted; gives the task's id, or the error. */
async function give(hub: TestHub, alice: TestAgent, url: string): Promise<Json> {
  const config = {
    id: "hook",
    url,
    token: "mine",
    authentication: { scheme: "Bearer", credentials: "s3cret" },
  };
  const answer = await hub.call("POST", "/a2a/bob", {
    headers: { authorization: `Bearer ${alice.token}`, "a2a-version": "1.0" },
    body: {
      ...{ jsonrpc: "2.0", id: 1, method: "SendMessage" },
      params: {
        message: { messageId: `m-${url}`, role: "ROLE_USER", parts: [{ text: "do it" }] },
        configuration: { returnImmediately: true, taskPushNotificationConfig: config },
      },
    },
  });
  return Object(answer.json);
}

async function says(bob: TestAgent, taskId: string, status: string): Promise<void> {
  const answer = await bob.post(`/tasks/${taskId}/messages`, { status });
  expect(answer.status, answer.text).toBe(200);
}

const taskIdOf = (answer: Json): string => Object(Object(answer["result"])["task"]).id;

describe("push notifications over the wire", () => {
  it("come once each and in order, though the receiver is down for a while and the hub is killed", async () => {
    const [hub, alice, bob] = await openHub({ MESHKORE_OUTBOUND_ALLOW: "127.0.0.1" });
    const first = await openReceiver();
    const taskId = taskIdOf(await give(hub, alice, `http://127.0.0.1:${first.port}/hook`));
    await says(bob, taskId, "working");
    await until("the first came", () => first.states.length === 1);
    await first.stop();
    await says(bob, taskId, "auth_required");
    await hub.kill();
    await hub.start();
    await says(bob, taskId, "working");
    const second = await openReceiver(first.port);
    await says(bob, taskId, "completed");
    await until("the last came", () => second.states.at(-1) === "COMPLETED", 30_000);
    expect(first.states).toEqual(["WORKING"]);
    // What was taken just before the kill may come again: it is known to be done when it is written down.
    const repeats = second.states[0] === "WORKING" ? 1 : 0;
    expect(second.states.slice(repeats)).toEqual(["AUTH_REQUIRED", "WORKING", "COMPLETED"]);
  });

  it("are given up in the end, and redriven from among the dead messages", async () => {
    const env = { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1", MESHKORE_OUTBOUND_GIVE_UP_S: "1" };
    const [hub, alice, bob] = await openHub(env);
    const receiver = await openReceiver();
    receiver.status = 500;
    const taskId = taskIdOf(await give(hub, alice, `http://127.0.0.1:${receiver.port}/hook`));
    await says(bob, taskId, "working");
    const letter: Json = await until("it is dead", async () => {
      const [dead] = (await alice.get("/messages/dead")).messages();
      return dead === undefined ? undefined : Object(dead);
    });
    expect(letter).toMatchObject({
      to: `push/${taskId}/hook`,
      reason: expect.stringContaining("answered 500"),
    });
    receiver.status = 200;
    await says(bob, taskId, "completed");
    const redriven = await alice.post(`/messages/${letter["message_id"]}/redrive`);
    expect(redriven.status, redriven.text).toBe(202);
    await until("the last came", () => receiver.states.at(-1) === "COMPLETED");
    expect(receiver.states.slice(-2)).toEqual(["WORKING", "COMPLETED"]);
  });

  it("go to no address that is not public, unless the operator says so", async () => {
    const [hub, alice] = await openHub({});
    for (const url of [
      "http://127.0.0.1:9/",
      "http://169.254.169.254/",
      "http://[::1]:9/",
      "http://localhost:9/",
    ]) {
      const { error } = await give(hub, alice, url);
      expect(JSON.stringify(error), url).toContain("its address is not public");
    }
  });
});
