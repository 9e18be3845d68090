import { randomBytes, randomUUID } from "node:crypto";
import type { AgentCard, Part, TaskArtifactUpdateEvent, TaskState } from "@a2a-js/sdk";
import {
  type AgentExecutor,
  DefaultRequestHandler,
  type ExecutionEventBus,
  InMemoryTaskStore,
  type RequestContext,
} from "@a2a-js/sdk/server";
import { agentCardHandler, restHandler, UserBuilder } from "@a2a-js/sdk/server/express";
import express from "express";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { type HttpServer, openHttpServer } from "../../support/http-server.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { taskInState } from "../../support/task-in-state.ts";
import { until } from "../../support/until.ts";

type Json = Record<string, unknown>;

let hub: TestHub;
let alice: TestAgent;
let count = 0;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1", MESHKORE_OUTBOUND_GIVE_UP_S: "3" } });
  alice = await hub.join("alice");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

/** Does what the text says, in the words of 0.3. */
class Obedient implements AgentExecutor {
  readonly heard: string[] = [];
  readonly canceled: string[] = [];
  #leave: () => void = () => undefined;

  async execute(context: RequestContext, bus: ExecutionEventBus): Promise<void> {
    const { taskId, contextId, userMessage, task } = context;
    const [first, ...rest] = userMessage.parts;
    const text = first?.kind === "text" ? first.text : "";
    this.heard.push(text);
    const status = (state: TaskState, said?: string, final = false): void => {
      const message = said === undefined ? undefined : spoken(said, taskId, contextId);
      const now = { state, timestamp: new Date().toISOString(), ...(message && { message }) };
      bus.publish({ kind: "status-update", taskId, contextId, status: now, final });
    };
    const artifact = (parts: Part[], flags: Partial<TaskArtifactUpdateEvent> = {}): void =>
      bus.publish({
        kind: "artifact-update",
        taskId,
        contextId,
        artifact: { artifactId: "a1", parts },
        ...flags,
      });
    if (task === undefined) {
      bus.publish({
        kind: "task",
        id: taskId,
        contextId,
        status: { state: "submitted" },
        history: [userMessage],
      });
    }
    if (text === "ask") status("input-required", "which one?", true);
    else if (text === "fail") status("failed", "it broke", true);
    else if (text === "work") {
      status("working", "at it");
      await new Promise<void>((leave) => {
        this.#leave = leave;
      });
    } else {
      status("working", "at it");
      if (text === "file") artifact(rest);
      else {
        artifact([{ kind: "text", text: `got ` }], { append: false });
        artifact([{ kind: "text", text }], { append: true, lastChunk: true });
      }
      status("completed", undefined, true);
    }
    bus.finished();
  }

  async cancelTask(taskId: string, bus: ExecutionEventBus): Promise<void> {
    this.canceled.push(taskId);
    this.#leave();
    bus.publish({ kind: "status-update", taskId, contextId: "", status: { state: "canceled" }, final: true });
    bus.finished();
  }
}

function spoken(text: string, taskId: string, contextId: string) {
  const parts: Part[] = [{ kind: "text", text }];
  return {
    kind: "message" as const,
    role: "agent" as const,
    messageId: randomUUID(),
    parts,
    taskId,
    contextId,
  };
}

interface OldRemote {
  readonly agent: TestAgent;
  readonly executor: Obedient;
}

/** An agent on the official server of 0.3, HTTP+JSON alone, and the agent of the hub that stands for it. */
async function reach(streaming: boolean): Promise<OldRemote> {
  const app = express();
  const server: HttpServer = await openHttpServer(app);
  onTestFinished(() => server.stop());
  const card: AgentCard = {
    ...{ name: "Old", description: "speaks HTTP+JSON of 0.3", version: "1", protocolVersion: "0.3.0" },
    ...{ url: `${server.url}/a2a`, preferredTransport: "HTTP+JSON" },
    capabilities: { streaming, pushNotifications: false },
    ...{ defaultInputModes: ["text/plain"], defaultOutputModes: ["text/plain"], skills: [] },
  };
  const executor = new Obedient();
  const requestHandler = new DefaultRequestHandler(card, new InMemoryTaskStore(), executor);
  app.use("/card.json", agentCardHandler({ agentCardProvider: requestHandler }));
  app.use("/a2a", restHandler({ requestHandler, userBuilder: UserBuilder.noAuthentication }));
  count += 1;
  const profile = { reach: { a2a: { card_url: `${server.url}/card.json` } } };
  return { agent: await hub.join(`old-${count}`, { profile }), executor };
}

async function give({ agent }: OldRemote, said: Json): Promise<string> {
  const given = await alice.post("/tasks", { to: agent.agentId, ...said });
  expect(given.status, given.text).toBe(201);
  return String(given.field("task_id"));
}

const stateIs = (taskId: string, state: string) => taskInState(alice, taskId, state);

function partsOf(task: Json): readonly Json[] {
  const [artifact] = task["artifacts"] as { parts: Json[] }[];
  return artifact?.parts ?? [];
}

describe.each([true, false])("an agent on the official HTTP+JSON of 0.3, streaming %s", (streaming) => {
  it("does a task, with all that it says about it", async () => {
    const remote = await reach(streaming);
    const task = await stateIs(await give(remote, { payload: "hello" }), "completed");
    expect(partsOf(task).map(({ text }) => text)).toEqual(["got ", "hello"]);
    expect(JSON.stringify([task["history"], task["message"]])).toContain("at it");
    const status = Object((await alice.get(`/agents/${remote.agent.agentId}`)).json).reach_status.a2a;
    expect(status).toMatchObject({ protocol: "HTTP+JSON", version: "0.3" });
  });

  it("asks back and goes on, fails, and is told that a task is canceled", async () => {
    const remote = await reach(streaming);
    const asking = await give(remote, { payload: "ask" });
    const asked = await stateIs(asking, "input_required");
    expect(JSON.stringify(asked["message"])).toContain("which one?");
    await alice.post(`/tasks/${asking}/messages`, { payload: "this" });
    expect(partsOf(await stateIs(asking, "completed")).map(({ text }) => text)).toEqual(["got ", "this"]);
    const failed = await stateIs(await give(remote, { payload: "fail" }), "failed");
    expect(JSON.stringify(failed["message"])).toContain("it broke");
    const working = await give(remote, { payload: "work" });
    await stateIs(working, "working");
    expect((await alice.post(`/tasks/${working}/cancel`)).status).toBe(200);
    await until("it knows", () => remote.executor.canceled.length === 1);
  });

  it("gets a file and data, and gives them back", async () => {
    const remote = await reach(streaming);
    const raw = randomBytes(20_000).toString("base64");
    const parts = [{ text: "file" }, { raw, media_type: "application/x-test" }, { data: { a: [1, "b"] } }];
    const task = await stateIs(await give(remote, { parts }), "completed");
    expect(partsOf(task)).toEqual([{ raw, media_type: "application/x-test" }, { data: { a: [1, "b"] } }]);
  });
});
