import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, afterEach, beforeAll, describe, expect, it } from "vitest";
import { type A2aRemote, openA2aRemote } from "../../support/a2a-remote.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { taskInState } from "../../support/task-in-state.ts";
import { until } from "../../support/until.ts";
import { runCli } from "../cli/cli-process.ts";

type Json = Record<string, unknown>;

const SECRET = "sesame-7f3a9c-open";
const BEARER = { header: "authorization", value: `Bearer ${SECRET}` };
const PATH = "/profile/reach/credential";
let hub: TestHub;
let alice: TestAgent;
const remotes: A2aRemote[] = [];
let count = 0;

beforeAll(async () => {
  const env = {
    MESHKORE_OUTBOUND_ALLOW: "127.0.0.1",
    MESHKORE_OUTBOUND_GIVE_UP_S: "3",
    MESHKORE_LOG_LEVEL: "debug",
  };
  hub = await startHub({ env });
  alice = await hub.join("alice");
});
afterAll(() => hub?.[Symbol.asyncDispose]());
afterEach(async () => {
  for (const remote of remotes.splice(0)) await remote[Symbol.asyncDispose]();
});

async function openRemote(wanted?: A2aRemote["wanted"], version: "1.0" | "0.3" = "1.0"): Promise<A2aRemote> {
  const remote = await openA2aRemote({ version, streaming: version === "1.0" });
  remote.wanted = wanted;
  remotes.push(remote);
  return remote;
}

const originOf = ({ cardUrl }: A2aRemote): string => new URL(cardUrl).origin;

async function newcomer(): Promise<TestAgent> {
  count += 1;
  return hub.join(`far-${count}`);
}

async function setCredential(agent: TestAgent, body: Json): Promise<void> {
  const set = await agent.call("PUT", PATH, { body });
  expect(set.status, set.text).toBe(200);
}

async function setReach(agent: TestAgent, { cardUrl }: A2aRemote): Promise<void> {
  const set = await agent.call("PATCH", "/profile", { body: { reach: { a2a: { card_url: cardUrl } } } });
  expect(set.status, set.text).toBe(200);
}

async function reachStatus({ agentId }: TestAgent): Promise<Json> {
  return Object(Object((await alice.get(`/agents/${agentId}`)).json).reach_status?.a2a);
}

async function give(to: TestAgent, payload = "echo hello"): Promise<string> {
  const given = await alice.post("/tasks", { to: to.agentId, payload });
  expect(given.status, given.text).toBe(201);
  return String(given.field("task_id"));
}

const ended = (taskId: string, state: string) => taskInState(alice, taskId, state);

async function letterOf(agent: TestAgent): Promise<Json> {
  return until("there is a dead letter", async () => {
    const all = (await alice.get("/messages/dead")).messages();
    return all.map((one): Json => Object(one)).find(({ to }) => to === agent.agentId);
  });
}

const shown = ({ seen }: A2aRemote, header = BEARER.header): unknown[] =>
  seen.map(({ headers }) => headers[header]);

describe.each(["1.0", "0.3"] as const)("a remote agent of A2A %s that wants a token", (version) => {
  it("is shown it with its card and each call, and does its work, after a kill too", async () => {
    const remote = await openRemote(BEARER, version);
    const agent = await newcomer();
    await setCredential(agent, { origin: originOf(remote), bearer: SECRET });
    await setReach(agent, remote);
    await ended(await give(agent), "completed");
    await hub.kill();
    await hub.start();
    await ended(await give(agent), "completed");
    expect(new Set(shown(remote))).toEqual(new Set([BEARER.value]));
    expect(remote.heard).toEqual(["echo hello", "echo hello"]);
  });
});

describe("a credential", () => {
  it("that is not set, or not the right one, is the reason of dead letters, and redriving works when it is", async () => {
    const remote = await openRemote();
    const agent = await newcomer();
    await setReach(agent, remote);
    await until("it is found", async () => (await reachStatus(agent))["state"] === "reachable");
    remote.wanted = { header: "x-api-key", value: "k3y" };
    const host = new URL(remote.cardUrl).host;
    const none = await ended(await give(agent), "failed");
    expect(JSON.stringify(none["message"])).toContain(
      `${host} answered 401: it wants a credential, and none is set`,
    );
    const letter = await letterOf(agent);
    expect(letter).toMatchObject({ status: "failed", reason: expect.stringContaining("answered 401") });
    await setCredential(agent, { origin: originOf(remote), header: "X-Api-Key", value: "wrong" });
    const wrong = await ended(await give(agent), "failed");
    expect(JSON.stringify(wrong["message"])).toContain("answered 401: it does not take the credential");
    await setCredential(agent, { origin: originOf(remote), header: "X-Api-Key", value: "k3y" });
    const redriven = await alice.post(`/messages/${letter["message_id"]}/redrive`);
    expect(redriven.status, redriven.text).toBe(202);
    await until("it is done", () => remote.heard.length === 1);
  });

  it("is sent to its origin alone: not where the card points to, nor where a call is led", async () => {
    const [remote, other] = [await openRemote(), await openRemote()];
    const agent = await newcomer();
    await setCredential(agent, { origin: originOf(remote), header: "x-api-key", value: SECRET });
    remote.card = { ...remote.card, supportedInterfaces: other.card["supportedInterfaces"] };
    await setReach(agent, remote);
    await ended(await give(agent), "completed");
    expect(other.heard).toEqual(["echo hello"]);
    expect(shown(remote, "x-api-key")).toContain(SECRET);
    expect(shown(other, "x-api-key").filter((value) => value !== undefined)).toEqual([]);

    const [near, far] = [await openRemote(), await openRemote()];
    near.redirectTo = String(Object(far.card["supportedInterfaces"])[1].url);
    const led = await newcomer();
    await setCredential(led, { origin: originOf(near), bearer: SECRET });
    await setReach(led, near);
    await ended(await give(led), "completed");
    expect(shown(near)).toContain(BEARER.value);
    expect(far.heard).toEqual(["echo hello"]);
    expect(shown(far).filter((value) => value !== undefined)).toEqual([]);
    far.wanted = BEARER;
    const refused = await ended(await give(led), "failed");
    expect(JSON.stringify(refused["message"])).toContain(
      `the one that is set is for ${originOf(near)} alone`,
    );
  });

  it("is shown to nobody again: not its agent, others, the operator, the log, or who reads the store", async () => {
    const agent = await newcomer();
    await setCredential(agent, { origin: "https://agent.test", bearer: SECRET });
    await setReach(agent, await openRemote());
    const answers = [
      await agent.get(PATH),
      await agent.get("/context"),
      await agent.get(`/agents/${agent.agentId}`),
      await alice.get(`/agents/${agent.agentId}`),
      await hub.admin("GET", `/agents/${agent.agentId}`),
      await hub.call("GET", `/a2a/${agent.agentId}/.well-known/agent-card.json`),
    ];
    expect(answers[0]?.json).toEqual({
      origin: "https://agent.test",
      header: "authorization",
      set_at: expect.stringMatching(/Z$/),
    });
    for (const { status, text } of answers)
      expect([text.includes(SECRET), status < 500]).toEqual([false, true]);
    expect(hub.log()).not.toContain(SECRET);
    expect((await alice.get(PATH)).status).toBe(404);
    await hub.stop();
    const files = (await readdir(hub.dataDir, { recursive: true, withFileTypes: true })).filter((file) =>
      file.isFile(),
    );
    expect(files.map(({ name }) => name)).toContain("reach-key");
    for (const { parentPath, name } of files) {
      const bytes = await readFile(join(parentPath, name));
      expect([name, bytes.includes(SECRET)]).toEqual([name, false]);
    }
    await hub.start();
  });

  it.each([
    ["http to a name", { origin: "http://agent.test", bearer: "x" }, /https/],
    ["a path", { origin: "https://agent.test/a2a", bearer: "x" }, /origin/],
    ["no URL", { origin: "agent.test", bearer: "x" }, /origin/],
    ["a header that carries the call", { origin: "https://a.test", header: "Host", value: "x" }, /header/],
    ["two lines", { origin: "https://a.test", bearer: "a\r\nb: c" }, /value/],
    ["both forms at once", { origin: "https://a.test", bearer: "x", header: "y", value: "z" }, /either/],
    ["no secret", { origin: "https://a.test" }, /either|bearer/],
  ])("with %s is refused", async (_name, body, told) => {
    const agent = await newcomer();
    const answer = await agent.call("PUT", PATH, { body });
    expect([answer.status, answer.text]).toEqual([400, expect.stringMatching(told)]);
  });

  it("is set, shown and removed by the command line, the secret never in its arguments", async () => {
    const remote = await openRemote(BEARER);
    const agent = await newcomer();
    await setReach(agent, remote);
    const env = { MESHKORE_URL: hub.http, MESHKORE_API_KEY: agent.apiKey };
    const cli = (args: readonly string[], stdin = "") =>
      runCli(["reach", "credential", ...args], { env, stdin });
    const set = await cli(["set", originOf(remote), "--json"], `${SECRET}\n`);
    expect([set.code, set.err]).toEqual([0, ""]);
    expect(JSON.parse(set.out)).toMatchObject({ origin: originOf(remote), header: "authorization" });
    await ended(await give(agent), "completed");
    const show = await cli(["show"]);
    expect(show.out).toContain(originOf(remote));
    expect(show.out).not.toContain(SECRET);
    expect((await cli(["remove"])).code).toBe(0);
    await ended(await give(agent), "failed");
    expect((await cli(["show"])).code).toBe(3);
    expect((await cli(["set", originOf(remote)])).err).toContain("there is no secret");
  });
});
