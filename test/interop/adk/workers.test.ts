import { randomBytes } from "node:crypto";
import type { Client } from "@a2a-js/sdk/client";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { factoryFor, outline, placeOf, talkTo } from "./talk.ts";
import { KINDS, openWorker, type Worker } from "./worker.ts";

let hub: TestHub;
let alice: TestAgent;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.0/8" } });
  alice = await hub.join("alice");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

describe.each(KINDS)("RemoteA2AAgent and a worker of kind %s", (kind) => {
  let worker: Worker;
  let client: Client;

  beforeAll(async () => {
    worker = await openWorker(hub, kind);
    client = await clientOf(worker);
  });
  afterAll(() => worker?.[Symbol.asyncDispose]());

  const clientOf = ({ agent }: Worker) =>
    factoryFor(alice.token).createFromUrl(`${hub.http}/a2a/${agent.agentId}/`);

  const stateOf = async (taskId: string | undefined) => (await alice.get(`/tasks/${taskId}`)).field("state");

  it("answers in one turn, which the session keeps", async () => {
    const talk = await talkTo(client);
    const events = await talk.say("echo hello");
    expect(outline(events)).toEqual(["hello"]);
    expect(events[0]).toMatchObject({ author: "far", content: { role: "model" } });
    expect(await talk.remembered()).toEqual(["hello"]);
    expect(await stateOf(placeOf(talk.chunks[0]).taskId)).toBe("completed");
  });

  it("brings states and pieces while the work goes on", async () => {
    const talk = await talkTo(client);
    const said = talk.say("hold");
    await until("the first half", () => outline(talk.events).includes("~half "));
    expect(await stateOf(placeOf(talk.chunks[0]).taskId)).toBe("working");
    worker.gate.release();
    expect(outline(await said)).toEqual([
      // ADK's own server says nothing with the state.
      ...(kind === "adk" ? [] : ["~holding"]),
      "~half ",
      "~whole",
      "half whole",
    ]);
    expect(await talk.remembered()).toEqual(["half whole"]);
  });

  it("keeps the task and the context when the agent asks by a call of a function", async () => {
    const talk = await talkTo(client);
    const asked = (await talk.say("form")).at(-1);
    expect(asked).toMatchObject({
      content: { parts: [{ functionCall: { id: "q1", name: "ask_color", args: { of: "wall" } } }] },
      longRunningToolIds: ["q1"],
    });
    const { taskId } = placeOf(talk.chunks[0]);
    expect(await stateOf(taskId)).toBe("input_required");
    const response = { color: "red" };
    const events = await talk.say([{ functionResponse: { id: "q1", name: "ask_color", response } }]);
    // The official server's worker does not look into data.
    expect(outline(events).at(-1)).toBe(kind === "remote" ? "got <data>" : "got red");
    expect(placeOf(talk.chunks.at(-1))).toEqual(placeOf(talk.chunks[0]));
    expect(await stateOf(taskId)).toBe("completed");
  });

  it("keeps the context over turns, and sends what is new alone", async () => {
    const talk = await talkTo(client);
    await talk.say("echo one");
    await talk.say("echo two");
    expect(await talk.remembered()).toEqual(["one", "two"]);
    const [first, second] = [placeOf(talk.chunks[0]), placeOf(talk.chunks.at(-1))];
    expect(second.contextId).toBe(first.contextId);
    expect(second.taskId).not.toBe(first.taskId);
  });

  it("is told of a failure", async () => {
    const talk = await talkTo(client);
    const events = await talk.say("fail");
    expect(events.at(-1)).toMatchObject({ errorMessage: expect.stringMatching(/it broke$/) });
    expect(events.at(-1)?.content).toBeUndefined();
    expect(await stateOf(placeOf(talk.chunks[0]).taskId)).toBe("failed");
  });

  it("sends and gets back a file of 200 KB", async () => {
    const inlineData = { data: randomBytes(200_000).toString("base64"), mimeType: "application/x-test" };
    const talk = await talkTo(client);
    const events = await talk.say([{ text: "file" }, { inlineData }]);
    expect(events.at(-1)?.content?.parts).toEqual([{ inlineData }]);
  });

  it("ends its turn when the task is canceled by its client", async () => {
    const talk = await talkTo(client);
    const said = talk.say("hold");
    await until("the first half", () => outline(talk.events).includes("~half "));
    const id = placeOf(talk.chunks[0]).taskId ?? "";
    expect((await client.cancelTask({ id })).status.state).toBe("canceled");
    // Of the end nothing comes, since nobody says anything with it.
    expect(outline(await said).at(-1)).toBe("~half ");
    expect(talk.chunks.at(-1)).toMatchObject({
      kind: "status-update",
      status: { state: "canceled" },
      final: true,
    });
    worker.gate.release();
  });

  it("is answered by a worker that was away when it asked", async () => {
    await using late = await openWorker(hub, kind);
    const talk = await talkTo(await clientOf(late));
    await late.leave();
    const said = talk.say("echo at last");
    await until("the hub has the task", () => talk.chunks.length > 0);
    expect(await stateOf(placeOf(talk.chunks[0]).taskId)).toBe("submitted");
    await late.come();
    expect(outline(await said)).toEqual(["at last"]);
  });
});
