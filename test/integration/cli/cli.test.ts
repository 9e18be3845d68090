import { mkdtemp, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ADMIN_TOKEN, startHub, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { type CliResult, runCli, startCli } from "./cli-process.ts";

let hub: TestHub;
let folder: string;

beforeAll(async () => {
  hub = await startHub();
  folder = await mkdtemp(join(tmpdir(), "meshkore-cli-"));
});
afterAll(async () => {
  await hub[Symbol.asyncDispose]();
});

function environment(): Record<string, string> {
  return { MESHKORE_URL: hub.http, MESHKORE_CREDENTIALS: join(folder, "credentials.json") };
}

function cli(args: readonly string[], stdin = ""): Promise<CliResult> {
  return runCli(args, { env: environment(), stdin });
}

async function json(args: readonly string[]): Promise<Record<string, unknown>> {
  const { code, out, err } = await cli([...args, "--json"]);
  expect([code, err]).toEqual([0, ""]);
  return JSON.parse(out);
}

async function joinAs(...ids: readonly string[]): Promise<void> {
  const nonce = await hub.invite();
  for (const id of ids) {
    const { code, err } = await cli(["join", `${hub.http}/join/${nonce}`, "--as", id, "-q"]);
    expect([code, err]).toEqual([0, ""]);
  }
}

test("an operator invites, agents join, find each other and write to each other", async () => {
  const invited = await runCli(["invite", "--max-uses", "2", "--expires", "1h", "--capability", "legal"], {
    env: { ...environment(), MESHKORE_ADMIN_TOKEN: ADMIN_TOKEN },
  });
  expect(invited).toMatchObject({ code: 0, out: expect.stringMatching(/^http\S+\/join\/\S+\n$/) });
  const nonce = invited.out.trim().split("/").at(-1) ?? "";
  const joined = await cli(["join", nonce, "--as", "ann", "--description", "a legal translator"]);
  expect(joined).toMatchObject({ code: 0, out: `joined ${hub.http} as ann\n` });
  expect(await cli(["join", nonce, "--as", "ann"])).toMatchObject({
    code: 1,
    err: expect.stringMatching(/^error: /),
  });
  expect((await cli(["join", nonce, "--as", "ben", "-q"])).code).toBe(0);
  expect((await cli(["join", nonce, "--as", "cid", "-q"])).code).toBe(1);
  expect((await cli(["join", "no-such-nonce", "--as", "cid", "-q"])).code).toBe(3);
  expect((await cli(["agents", "--q", "legl translatr"])).out).toMatch(/^ann /m);
  expect(await json(["whoami"])).toMatchObject({ agent_id: "ben", url: hub.http, unread: 0 });
  expect((await cli(["send", "ann", "hello ann"])).out).toMatch(/^accepted \S+\n$/);
  expect((await cli(["inbox", "--as", "ann", "--no-ack"])).out).toMatch(/ben .* hello ann$/m);
  expect((await cli(["inbox", "--as", "ann"])).out).toMatch(/hello ann$/m);
  expect((await cli(["inbox", "--as", "ann"])).out).not.toContain("hello ann");
  expect((await cli(["history", "ben", "--as", "ann"])).out).toContain("hello ann");
});

test("JSON goes through to the last digit, and a dedupe key sends once", async () => {
  await joinAs("dora", "egon");
  const payload = '{"n":12345678901234567890,"t":"a\\u001b[31mb","list":[1.0]}';
  const send = ["send", "dora", "--json-payload", payload, "--dedupe-key", "k1", "--as", "egon"];
  const first = await json(send);
  expect(await json(send)).toMatchObject({ message_id: first["message_id"], duplicate: true });
  const { out } = await cli(["inbox", "--as", "dora", "--no-ack", "--json"]);
  expect(out).toContain(`"payload":${payload}`);
  expect(JSON.parse(out).messages).toHaveLength(1);
});

test("the ladder of a message, from accepted to read", async () => {
  await joinAs("fay", "gus");
  const { message_id: id } = await json(["send", "fay", "look", "--as", "gus"]);
  expect(await json(["status", String(id), "--as", "gus"])).toMatchObject({ status: "accepted", to: "fay" });
  await cli(["inbox", "--as", "fay"]);
  expect(await json(["status", String(id), "--as", "gus"])).toMatchObject({ status: "read" });
  const unknown = "0198c0de-0000-7000-8000-000000000000";
  expect((await cli(["status", unknown, "--as", "gus"])).code).toBe(3);
});

test("follow prints what comes in, survives a restart of the hub, and ends with Ctrl-C", async () => {
  await using own = await startHub();
  const reader = await own.join("reader");
  const writer = await own.join("writer");
  const port = new URL(own.http).port;
  const env = { MESHKORE_URL: own.http, MESHKORE_API_KEY: reader.apiKey };
  const follow = startCli(["inbox", "--follow", "--json"], { env });
  await writer.post("/send", { to: "reader", payload: "one" });
  await until("the first message", () => follow.out().includes('"one"'));
  await own.stop();
  await until("the loss is told", () => follow.err().includes("reconnecting"));
  await own.start({ MESHKORE_HTTP_PORT: port });
  await writer.post("/send", { to: "reader", payload: "two" });
  await until("the second message", () => follow.out().includes('"two"'), 60_000);
  follow.child.kill("SIGINT");
  expect((await follow.result).code).toBe(130);
  expect(follow.err()).not.toContain("no_websocket");
  const payloads = follow
    .out()
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line).payload);
  expect(payloads).toEqual(["one", "two"]);
  expect((await reader.get("/messages")).messages()).toEqual([]);
});

test("waiting for a reply, and having none", async () => {
  await joinAs("hal", "ida");
  const answering = startCli(["inbox", "--follow", "--limit", "1", "--json", "--as", "hal"], {
    env: environment(),
  });
  const asking = startCli(["send", "hal", "how much?", "--wait", "20", "--as", "ida"], {
    env: environment(),
  });
  const { code, out } = await answering.result;
  expect(code).toBe(0);
  const { id, from } = JSON.parse(out);
  await cli(["send", from, "42", "--reply-to", id, "--as", "hal"]);
  expect(await asking.result).toMatchObject({ code: 0, out: "42\n" });
  expect((await cli(["send", "hal", "again?", "--wait", "1", "--as", "ida"])).code).toBe(5);
});

test("channels: made, joined, written to, left, deleted", async () => {
  await joinAs("joe", "kim", "leo");
  expect((await cli(["channel", "create", "#team", "--member", "kim", "--as", "joe"])).out).toBe(
    "created #team\n",
  );
  expect((await cli(["channel", "join", "team", "--as", "leo"])).code).toBe(0);
  expect((await cli(["channel", "members", "team", "--as", "leo"])).out.split("\n").sort().join(" ")).toBe(
    " joe kim leo",
  );
  expect((await cli(["channel", "list", "--as", "kim"])).out).toMatch(/^#team +3 +member +joe/m);
  expect((await cli(["channel", "send", "team", "-", "--as", "leo"], "to all\n")).code).toBe(0);
  await until("the message is with kim", async () =>
    (await cli(["inbox", "--as", "kim"])).out.includes("leo #team") ? true : undefined,
  );
  expect((await cli(["history", "#team", "--as", "joe"])).out).toContain("to all");
  expect((await cli(["channel", "leave", "team", "--as", "leo"])).code).toBe(0);
  expect((await cli(["channel", "add", "team", "leo", "--as", "kim"])).code).toBe(0);
  expect((await cli(["channel", "delete", "team", "--as", "kim"])).code).toBe(1);
  expect((await cli(["channel", "delete", "team", "--as", "joe"])).code).toBe(0);
  expect((await cli(["channel", "members", "team", "--as", "joe"])).code).toBe(3);
});

test("profiles, blocks, keys, and the end of an agent", async () => {
  await joinAs("mia", "nat");
  const set = [
    "profile",
    "set",
    "--status",
    "busy",
    "--price",
    "0.05 USD per word",
    "--field",
    'rooms=["a"]',
  ];
  expect(await json([...set, "--as", "mia"])).toMatchObject({
    status: "busy",
    price: { amount: "0.05", currency: "USD", unit: "word" },
    rooms: ["a"],
  });
  expect((await cli(["profile", "show", "mia", "--as", "nat"])).out).toMatch(/^status +busy$/m);
  expect((await cli(["blocks", "add", "nat", "--as", "mia"])).code).toBe(0);
  expect((await cli(["blocks", "list", "--as", "mia"])).out).toMatch(/^nat +block$/m);
  expect((await cli(["send", "mia", "hello", "--as", "nat"])).code).not.toBe(0);
  expect((await cli(["blocks", "remove", "nat", "--as", "mia"])).code).toBe(0);
  expect((await cli(["send", "mia", "hello", "--as", "nat"])).code).toBe(0);
  const rotated = await cli(["key", "rotate", "--as", "mia"]);
  expect(rotated).toMatchObject({ code: 0, out: expect.stringMatching(/^new key kept/) });
  expect((await cli(["whoami", "--as", "mia"])).code).toBe(0);
  expect((await cli(["agent", "delete", "mia"])).code).toBe(0);
  expect((await cli(["whoami", "--as", "mia"])).code).toBe(4);
  expect((await cli(["send", "mia", "hello", "--as", "nat"])).code).toBe(3);
});

test("credentials are revoked at once, by their agent and by the operator", { timeout: 90_000 }, async () => {
  await joinAs("lea");
  const revoked = await cli(["key", "rotate", "--revoke-now", "--as", "lea"]);
  expect(revoked).toMatchObject({ code: 0, out: expect.stringMatching(/old one has ended/) });
  expect((await cli(["agent", "reset-key", "lea", "--as", "lea"])).code).toBe(1);
  const operator = { env: { ...environment(), MESHKORE_ADMIN_TOKEN: ADMIN_TOKEN } };
  const secret = await runCli(["token-secret", "rotate", "--revoke-now", "--json"], operator);
  expect(JSON.parse(secret.out)).toMatchObject({ kid: expect.any(String), revoked: true });
  const reset = await runCli(["agent", "reset-key", "lea"], operator);
  expect(reset).toMatchObject({ code: 0, out: expect.stringMatching(/^mk_/) });
  expect((await cli(["whoami", "--as", "lea"])).code).toBe(4);
});

test("an operator needs the token, and finds it in the data directory", async () => {
  expect(
    (await runCli(["invite"], { env: { ...environment(), MESHKORE_CREDENTIALS: join(folder, "none") } }))
      .code,
  ).toBe(4);
  await writeFile(join(folder, "admin-token"), `${ADMIN_TOKEN}\n`, { mode: 0o600 });
  const listed = await cli(["invite", "list", "--data-dir", folder, "--json"]);
  expect(listed.code).toBe(0);
  expect(JSON.parse(listed.out).invites.length).toBeGreaterThan(0);
});

test("start runs a hub that the other commands find; a signal ends it", async () => {
  const dataDir = await mkdtemp(join(tmpdir(), "meshkore-start-"));
  const started = startCli(["start", "--port", "0", "--grpc-port", "0", "--data-dir", dataDir]);
  const line = await until(
    "the ready line",
    () =>
      started
        .out()
        .split("\n")
        .find((text) => text.includes("hub.ready")),
    25_000,
  );
  const { http } = JSON.parse(line);
  const invited = await runCli(["invite", "--url", http, "--data-dir", dataDir, "-q"]);
  expect(invited).toMatchObject({ code: 0, err: "", out: expect.stringContaining("/join/") });
  started.child.kill("SIGTERM");
  expect((await started.result).code).toBe(0);
});
