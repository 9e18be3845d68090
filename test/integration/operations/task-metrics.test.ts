import { expect, it, onTestFinished } from "vitest";
import { openA2aRemote } from "../../support/a2a-remote.ts";
import { EventStreamClient } from "../../support/event-stream.ts";
import { ADMIN_TOKEN, startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { scrape } from "../../support/prometheus-text.ts";
import { openPushReceiver } from "../../support/push-receiver.ts";
import { until } from "../../support/until.ts";
import { createMemoryEdge, runCli } from "../../unit/cli/memory-edge.ts";

async function openHub(): Promise<[TestHub, TestAgent, TestAgent]> {
  const env = { MESHKORE_OUTBOUND_ALLOW: "127.0.0.1", MESHKORE_OUTBOUND_GIVE_UP_S: "1" };
  const hub = await startHub({ env });
  onTestFinished(() => hub[Symbol.asyncDispose]());
  return [hub, await hub.join("alice"), await hub.join("bob")];
}

async function give(alice: TestAgent, to: string, dedupeKey: string): Promise<string> {
  const given = await alice.post("/tasks", { to, payload: "do it", dedupe_key: dedupeKey });
  expect([200, 201], given.text).toContain(given.status);
  return String(given.field("task_id"));
}

async function push(hub: TestHub, alice: TestAgent, taskId: string, url: string): Promise<void> {
  const set = await hub.call("POST", `/a2a/bob/tasks/${taskId}/pushNotificationConfigs`, {
    headers: { authorization: `Bearer ${alice.token}`, "a2a-version": "1.0" },
    body: { id: "hook", url },
  });
  expect(set.status, set.text).toBe(200);
}

it("tasks are counted by how they end, those that are open are told, and so is who follows them", async () => {
  const [hub, alice, bob] = await openHub();
  const [done, refused, left] = [
    await give(alice, "bob", "1"),
    await give(alice, "bob", "2"),
    await give(alice, "bob", "3"),
  ];
  expect(await give(alice, "bob", "3")).toBe(left);
  await bob.post(`/tasks/${done}/messages`, { payload: "done", status: "completed" });
  await bob.post(`/tasks/${refused}/messages`, { status: "rejected" });
  await alice.post(`/tasks/${await give(alice, "bob", "4")}/cancel`);
  const stream = await EventStreamClient.open(`${hub.http}/tasks/${left}/events`, { token: alice.token });
  await until("it is followed", async () => (await scrape(hub.http)).value("mesh_task_streams_open") === 1);
  const { value } = await until("the first look at the tables", async () => {
    const seen = await scrape(hub.http);
    return seen.text.includes("\nmesh_tasks_open ") && seen;
  });
  expect(value("mesh_tasks_created_total")).toBe(4);
  const ended = (code: string): number => value("mesh_tasks_ended_total", { code });
  expect([ended("completed"), ended("rejected"), ended("canceled"), ended("failed")]).toEqual([1, 1, 1, 0]);
  expect(value("mesh_tasks_open")).toBeGreaterThanOrEqual(1);
  stream.close();
  await until("nobody follows", async () => (await scrape(hub.http)).value("mesh_task_streams_open") === 0);
});

it("push notifications are counted as sent, failed, waiting and given up", async () => {
  const [hub, alice, bob] = await openHub();
  const hook = await openPushReceiver();
  onTestFinished(() => hook[Symbol.asyncDispose]());
  const taskId = await give(alice, "bob", "1");
  await push(hub, alice, taskId, hook.url);
  expect((await scrape(hub.http)).value("mesh_pushes_open")).toBe(1);
  await bob.post(`/tasks/${taskId}/messages`, { status: "working" });
  await until("it is sent", async () => (await scrape(hub.http)).value("mesh_pushes_sent_total") === 1);
  hook.status = 503;
  await bob.post(`/tasks/${taskId}/messages`, { status: "completed" });
  await until("it waits", async () => {
    const { value } = await scrape(hub.http);
    return value("mesh_pushes_waiting") === 1 && value("mesh_pushes_failed_total") > 0;
  });
  await until("it is over", async () => (await scrape(hub.http)).value("mesh_pushes_open") === 0);
  const { value } = await scrape(hub.http);
  expect([value("mesh_pushes_dead_total"), value("mesh_pushes_waiting")]).toEqual([1, 0]);
  expect(value("mesh_outbound_calls_total", { code: "2xx" })).toBe(1);
  expect(value("mesh_outbound_calls_total", { code: "5xx" })).toBe(value("mesh_pushes_failed_total"));
});

it("agents that live elsewhere are found or lost, and what cannot be brought to them is dead", async () => {
  const [hub, alice] = await openHub();
  const remote = await openA2aRemote({ version: "1.0", streaming: true });
  onTestFinished(() => remote[Symbol.asyncDispose]());
  const found = async (code: string) => (await scrape(hub.http)).value("mesh_agents_elsewhere", { code });
  await hub.join("far", { profile: { reach: { a2a: { card_url: remote.cardUrl } } } });
  await until("it is found", async () => (await found("found")) === 1 && (await found("lost")) === 0);
  remote.failWith = 500;
  const taskId = await give(alice, "far", "1");
  await until(
    "the task failed",
    async () => (await alice.get(`/tasks/${taskId}`)).field("state") === "failed",
    20_000,
  );
  const { value } = await scrape(hub.http);
  expect(value("mesh_messages_dead_total", { code: "failed" })).toBe(1);
  expect(value("mesh_tasks_ended_total", { code: "failed" })).toBe(1);
  expect(value("mesh_outbound_calls_total", { code: "5xx" })).toBeGreaterThan(0);
  await remote.stop();
  // Its card is looked at anew each second.
  await until("it is lost", async () => (await found("lost")) === 1, 20_000);
  expect(
    (await scrape(hub.http)).value("mesh_outbound_calls_total", { code: "unavailable" }),
  ).toBeGreaterThan(0);
});

it("'top' shows what is open and what is dead", async () => {
  const [hub, alice, bob] = await openHub();
  const taskId = await give(alice, "bob", "1");
  await push(hub, alice, taskId, "http://127.0.0.1:9/nobody");
  await bob.post(`/tasks/${taskId}/messages`, { status: "working" });
  await until("it is dead", async () => (await alice.get("/messages/dead")).messages().length === 1);
  const env = { MESHKORE_URL: hub.http, MESHKORE_ADMIN_TOKEN: ADMIN_TOKEN };
  const json = await runCli(["--json", "top", "--once"], createMemoryEdge({ env }));
  expect(JSON.parse(json.out)).toMatchObject({ tasks_open: 1, dead_letters: 1 });
  const plain = await runCli(["top", "--once"], createMemoryEdge({ env }));
  expect(plain.out).toMatch(/tasks open +1 +dead +1\b/);
});
