import { RemoteA2AAgent, SequentialAgent } from "@google/adk";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHub, type TestAgent, type TestHub, withHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { factoryFor, outline, placeOf, Talk, talkTo } from "./talk.ts";
import { openWorker, type Worker } from "./worker.ts";

let hub: TestHub;
let alice: TestAgent;
let worker: Worker;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.0/8" } });
  alice = await hub.join("alice");
  worker = await openWorker(hub, "rest");
});
afterAll(async () => {
  await worker?.[Symbol.asyncDispose]();
  await hub?.[Symbol.asyncDispose]();
});

const clientOf = ({ agent }: Worker) =>
  factoryFor(alice.token).createFromUrl(`${hub.http}/a2a/${agent.agentId}/`);
const stateOf = async (taskId: string | undefined) => (await alice.get(`/tasks/${taskId}`)).field("state");

describe("what ADK's agent does by itself", () => {
  it("works in a chain, where the next agent is told what the one before said", async () => {
    await using other = await openWorker(hub, "socket");
    const chain = new SequentialAgent({
      name: "chain",
      subAgents: [
        new RemoteA2AAgent({ name: "first", client: await clientOf(worker) }),
        new RemoteA2AAgent({ name: "second", client: await clientOf(other) }),
      ],
    });
    const talk = await Talk.open(chain);
    const events = await talk.say("echo hello");
    expect(events.map(({ author }) => author)).toEqual(["first", "second"]);
    const texts = other.turns[0]?.parts.map((part) => part["text"]);
    expect(texts).toEqual(["echo hello", "For context:", "[first] said: hello"]);
  });

  it("takes an answer without a task", async () => {
    await using remote = await openWorker(hub, "remote");
    const talk = await talkTo(await clientOf(remote));
    expect(outline(await talk.say("message hi"))).toEqual(["hi"]);
  });

  it("says who it is for: application, user and session", async () => {
    const talk = await talkTo(await clientOf(worker));
    await talk.say("echo x");
    const task = (await alice.get(`/tasks/${placeOf(talk.chunks[0]).taskId}`)).json;
    expect(Object(task).history[0].metadata).toMatchObject({ adk_app_name: "test", adk_user_id: "ann" });
  });

  it("is told that a worker has left the hub for good", async () => {
    const gone = await openWorker(hub, "rest");
    const talk = await talkTo(await clientOf(gone));
    const said = talk.say("work");
    await until("it is at work", () => talk.chunks.length > 1);
    await gone.leave();
    expect((await gone.agent.call("DELETE", `/agents/${gone.agent.agentId}`)).status).toBe(204);
    expect(outline(await said)).toEqual([expect.stringMatching(/^! .*left/)]);
  });
});

describe("what ADK's agent does not do", () => {
  it("answers a question in words by a task of its own, in the context of the first", async () => {
    const talk = await talkTo(await clientOf(worker));
    expect(outline(await talk.say("ask"))).toEqual(["which one?"]);
    const first = placeOf(talk.chunks[0]);
    expect(outline(await talk.say("echo red"))).toEqual(["red"]);
    const second = placeOf(talk.chunks.at(-1));
    expect(second.contextId).toBe(first.contextId);
    expect(second.taskId).not.toBe(first.taskId);
    expect(await stateOf(first.taskId)).toBe("input_required");
  });

  it("keeps no pieces whose end nobody marked", async () => {
    const talk = await talkTo(await clientOf(worker));
    expect(outline(await talk.say("unmarked"))).toEqual(["~no end"]);
    expect(await talk.remembered()).toEqual([]);
    expect(await stateOf(placeOf(talk.chunks[0]).taskId)).toBe("completed");
  });

  it("joins no pieces over HTTP+JSON, where its client drops what says so", async () => {
    const { agentId } = worker.agent;
    const factory = factoryFor(alice.token, ["HTTP+JSON"]);
    const talk = await talkTo(await factory.createFromUrl(`${hub.http}/a2a/${agentId}/`));
    expect(outline(await talk.say("stream"))).toEqual(["~one ", "~two ", "three"]);
  });

  it("leaves the task as it is when its run is aborted", async () => {
    const talk = await talkTo(await clientOf(worker));
    const abort = new AbortController();
    const said = talk.say("hold", abort.signal);
    await until("the first half", () => outline(talk.events).includes("~half "));
    abort.abort();
    worker.gate.release();
    expect(outline(await said)).not.toContain("half whole");
    const { taskId } = placeOf(talk.chunks[0]);
    await until("the task ends by its worker", async () => (await stateOf(taskId)) === "completed");
  });

  it("does not come back to a hub that went away, where the task goes on", async () => {
    await withHub({}, async (other) => {
      const caller = await other.join("caller");
      await using far = await openWorker(other, "rest");
      const address = () => `${other.http}/a2a/${far.agent.agentId}/`;
      const talk = await talkTo(await factoryFor(caller.token).createFromUrl(address()));
      const said = talk.say("hold");
      await until("the first half", () => outline(talk.events).includes("~half "));
      await other.kill();
      expect(outline(await said).at(-1)).toMatch(/^! /);
      await other.start();
      far.gate.release();
      const client = await factoryFor(caller.token).createFromUrl(address());
      const id = placeOf(talk.chunks[0]).taskId ?? "";
      await until("the task ends", async () => (await client.getTask({ id })).status.state === "completed");
    });
  });
});
