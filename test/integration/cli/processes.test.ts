import { mkdtemp, readFile, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { startStubHub } from "../../unit/cli/stub-hub.ts";
import { runCli, startCli } from "./cli-process.ts";

test("agents that join at the same time all stay in the credentials file", async () => {
  await using hub = await startStubHub(({ body }) => {
    const { agent_id: agentId } = JSON.parse(body);
    return { status: 201, body: { agent_id: agentId, api_key: `key-of-${agentId}`, hub: "h" } };
  });
  const credentials = join(await mkdtemp(join(tmpdir(), "meshkore-join-")), "deep", "credentials.json");
  const ids = Array.from({ length: 6 }, (_, index) => `agent-${index}`);
  const env = { MESHKORE_CREDENTIALS: credentials };
  const results = await Promise.all(
    ids.map((id) => runCli(["join", `${hub.url}/join/n`, "--as", id], { env })),
  );
  expect(results.map(({ code, err }) => (code === 0 ? 0 : err))).toEqual(ids.map(() => 0));
  const { identities } = JSON.parse(await readFile(credentials, "utf8"));
  expect(identities.map((one: { agent_id: string }) => one.agent_id).sort()).toEqual(ids);
  expect((await stat(credentials)).mode & 0o777).toBe(0o600);
});

test("a reader that goes away ends the command quietly", async () => {
  const messages = Array.from({ length: 500 }, (_, index) => ({
    id: `m${index}`,
    from: "bob",
    payload: "x".repeat(2000),
    cursor: `1-${index}`,
  }));
  await using hub = await startStubHub(() => ({ status: 200, body: { messages, cursor: "1-500" } }));
  const cli = startCli(["inbox"], { env: { MESHKORE_URL: hub.url, MESHKORE_API_KEY: "key" } });
  cli.child.stdout?.destroy();
  expect(await cli.result).toEqual({ code: 0, out: "", err: "" });
  expect(hub.calls.map(({ path }) => path)).toEqual(["/messages"]);
});

test("a process ends as soon as its work is done", async () => {
  await using hub = await startStubHub(() => ({ status: 200, body: { agents: [] } }));
  const startMs = performance.now();
  const env = { MESHKORE_URL: hub.url, MESHKORE_API_KEY: "key" };
  expect(await runCli(["agents", "--json"], { env })).toEqual({ code: 0, out: '{"agents":[]}\n', err: "" });
  // A connection that is kept alive would hold the process for two minutes.
  expect(performance.now() - startMs).toBeLessThan(60_000);
});
