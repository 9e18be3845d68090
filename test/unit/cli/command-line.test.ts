import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { createMemoryEdge, runCli } from "./memory-edge.ts";
import { type SeenCall, type StubAnswer, startStubHub } from "./stub-hub.ts";

const KEY = "the-secret-key";
const ACCEPTED: StubAnswer = { status: 202, body: { message_id: "m1", status: "accepted", position: "1-1" } };

function edgeFor(url: string, more: Parameters<typeof createMemoryEdge>[0] = {}) {
  return createMemoryEdge({ ...more, env: { MESHKORE_URL: url, MESHKORE_API_KEY: KEY, ...more.env } });
}

test.each([
  [[], 2],
  [["--help"], 0],
  [["--version"], 0],
  [["help", "send"], 0],
  [["nonsense"], 2],
  [["send"], 2],
  [["send", "bob"], 2],
  [["send", "bob", "a", "b"], 2],
  [["send", "bob", "--wait", "61", "x"], 2],
  [["send", "bob", "--json-payload", "{"], 2],
  [["send", "bob", "x", "--json-payload", "1"], 2],
  [["send", "bob", "--file", "/does/not/exist"], 2],
  [["inbox", "--limit", "0"], 2],
  [["inbox", "--follow", "--wait", "1"], 2],
  [["join", "abc"], 2],
  [["join", "http://hub.test/elsewhere", "--as", "alice"], 2],
  [["invite", "--expires", "soon"], 2],
  [["channel"], 2],
  [["profile", "set"], 2],
  [["profile", "set", "--price", "cheap"], 2],
  [["start", "--port", "65536"], 2],
  [["whoami", "--url", "file:///etc"], 2],
  [["whoami", "--config", "/does/not/exist"], 2],
  [["whoami"], 4],
  [["inbox", "--follow"], 4],
])("meshkore %j ends with %i", async (args, code) => {
  expect((await runCli(args)).code).toBe(code);
});

test("an error is one line and a hint on stderr, or one JSON document there", async () => {
  const plain = await runCli(["whoami"]);
  expect(plain.err).toMatch(/^error: not joined\nhint: .+\n$/);
  expect(plain.out).toBe("");
  const machine = await runCli(["--json", "whoami"]);
  expect(JSON.parse(machine.err)).toEqual({
    error: { code: "unauthenticated", message: "not joined", hint: expect.any(String) },
  });
});

test("the hub's refusal comes through, harmless in a terminal", async () => {
  const error = { code: "not_found", message: "no \x1b[31magent", hint: "look\naround", retry_after_s: 3 };
  await using hub = await startStubHub(() => ({ status: 404, body: { error } }));
  const plain = await runCli(["send", "bob", "hello"], edgeFor(hub.url));
  expect(plain).toEqual({ code: 3, out: "", err: "error: no \\x1b[31magent\nhint: look\\naround\n" });
  const machine = await runCli(["send", "bob", "hello", "--json"], edgeFor(hub.url));
  expect(JSON.parse(machine.err)).toEqual({ error });
});

test("an unreachable hub, a redirect and something that is no hub are told apart", async () => {
  await using gone = await startStubHub(() => ACCEPTED);
  const goneUrl = gone.url;
  await gone[Symbol.asyncDispose]();
  expect((await runCli(["whoami"], edgeFor(goneUrl))).code).toBe(5);
  await using other = await startStubHub(() => ({ status: 200, body: "<html>" }));
  expect(await runCli(["whoami"], edgeFor(other.url))).toMatchObject({ code: 1, err: /not answer like/ });
  await using moved = await startStubHub(() => ({ status: 301, headers: { location: goneUrl } }));
  expect(await runCli(["whoami"], edgeFor(moved.url))).toMatchObject({ code: 1, err: /redirects to/ });
});

test("payloads are sent as they were given", async () => {
  await using hub = await startStubHub(() => ACCEPTED);
  const edge = edgeFor(hub.url, { stdin: "from a pipe\n" });
  const json = join(edge.homeDir, "a.json");
  const bytes = join(edge.homeDir, "b.bin");
  writeFileSync(json, ' {"n": 12345678901234567890}');
  writeFileSync(bytes, Buffer.from([0xff, 0x00]));
  await runCli(["send", "bob", "-"], edge);
  await runCli(["send", "bob", "--", "--json"], edge);
  await runCli(
    ["send", "#dev", "--json-payload", '{"b":1.0,"a":[]}', "--ttl", "1h", "--dedupe-key", "k"],
    edge,
  );
  await runCli(["channel", "send", "dev", "--file", json], edge);
  await runCli(["send", "bob", "--file", bytes, "--reply-to", "m0"], edge);
  expect(hub.calls.map(({ body }) => body)).toEqual([
    '{"to":"bob","payload":"from a pipe"}',
    '{"to":"bob","payload":"--json"}',
    '{"to":"#dev","dedupe_key":"k","ttl_s":3600,"payload":{"b":1.0,"a":[]}}',
    '{"to":"#dev","payload": {"n": 12345678901234567890}}',
    '{"to":"bob","reply_to":"m0","payload_base64":"/wA=","content_type":"application/octet-stream"}',
  ]);
  expect(hub.calls.every(({ authorization }) => authorization === `Bearer ${KEY}`)).toBe(true);
  expect(edge.out()).toContain("accepted m1\n");
});

test("waiting for a reply prints the reply, or says that there was none", async () => {
  let reply: unknown = { id: "m2", from: "bob", payload: { ok: true } };
  await using hub = await startStubHub(() => ({ status: 200, body: { message_id: "m1", reply } }));
  const args = ["send", "bob", "hello", "--wait", "1"];
  expect(await runCli(args, edgeFor(hub.url))).toEqual({
    code: 0,
    out: '{"ok":true}\n',
    err: "accepted m1\n",
  });
  expect(hub.calls[0]?.query).toBe("?wait=1");
  reply = null;
  expect(await runCli(args, edgeFor(hub.url))).toMatchObject({ code: 5, out: "", err: /no reply from bob/ });
});

function inboxHub({ path }: SeenCall): StubAnswer {
  if (path === "/messages/ack") return { status: 204 };
  const messages = [
    {
      id: "m1",
      kind: "MESSAGE",
      from: "bob",
      created_at: "2026-01-01T00:00:00.000Z",
      payload: "hi\x1b[2J",
      cursor: "1-1",
    },
    {
      id: "m2",
      kind: "MESSAGE",
      from: "eve",
      channel: "dev",
      created_at: "x",
      payload: { n: 1 },
      cursor: "1-2",
    },
    { id: "m3", kind: "RECEIPT", from: "hub", created_at: "x", payload_base64: "AAA=", cursor: "1-3" },
  ];
  return { status: 200, body: { messages, cursor: "1-3" } };
}

test("the inbox prints a table and acknowledges what it printed", async () => {
  await using hub = await startStubHub(inboxHub);
  const { code, out } = await runCli(["inbox"], edgeFor(hub.url));
  expect(code).toBe(0);
  expect(out.split("\n")).toEqual([
    "TIME                      FROM      ID  PAYLOAD",
    "2026-01-01T00:00:00.000Z  bob       m1  hi\\x1b[2J",
    'x                         eve #dev  m2  {"n":1}',
    "x                         hub       m3  [RECEIPT] <2 bytes of unknown type>",
    "",
  ]);
  expect(hub.calls.map(({ method, path, query }) => `${method} ${path}${query}`)).toEqual([
    "GET /messages?ack=manual",
    "POST /messages/ack",
  ]);
  expect(hub.calls[1]?.body).toBe('{"cursor":"1-3"}');
});

test("nothing is acknowledged with --no-ack, or when nobody reads the output", async () => {
  await using hub = await startStubHub(inboxHub);
  await runCli(["inbox", "--no-ack"], edgeFor(hub.url));
  const closed = await runCli(["inbox"], edgeFor(hub.url, { isOutClosed: true }));
  expect(closed).toEqual({ code: 0, out: "", err: "" });
  expect(hub.calls.map(({ path }) => path)).toEqual(["/messages", "/messages"]);
});

test("colours and relative times are for terminals only, and NO_COLOR is honoured", async () => {
  await using hub = await startStubHub(inboxHub);
  const colours = await runCli(["inbox"], edgeFor(hub.url, { isTty: true }));
  expect(colours.out).toContain("\x1b[");
  expect(colours.out).toContain("1d ago");
  for (const more of [{ env: { NO_COLOR: "1" } }, { env: { TERM: "dumb" } }]) {
    expect((await runCli(["inbox"], edgeFor(hub.url, { isTty: true, ...more }))).out).not.toContain("\x1b");
  }
  expect((await runCli(["inbox", "--no-color"], edgeFor(hub.url, { isTty: true }))).out).not.toContain(
    "\x1b",
  );
});

test("join keeps the key, shows it only when asked, and acts as the last joined", async () => {
  await using hub = await startStubHub(({ path, body }) =>
    path.startsWith("/join/")
      ? {
          status: 201,
          body: { agent_id: JSON.parse(body).agent_id, api_key: `key-${path.slice(6)}`, hub: "h" },
        }
      : ACCEPTED,
  );
  const edge = createMemoryEdge();
  await runCli(["join", `${hub.url}/join/n1`, "--as", "alice", "--capability", "a,b"], edge);
  await runCli(["join", `${hub.url}/join/n2`, "--as", "bob"], edge);
  expect(edge.out() + edge.err()).not.toContain("key-n");
  expect(hub.calls[0]).toMatchObject({
    authorization: undefined,
    body: '{"agent_id":"alice","capabilities":["a","b"]}',
  });
  await runCli(["send", "x", "hello"], edge);
  await runCli(["send", "x", "hello", "--as", "alice"], edge);
  expect(hub.calls.slice(2).map(({ authorization }) => authorization)).toEqual([
    "Bearer key-n2",
    "Bearer key-n1",
  ]);
  expect((await runCli(["send", "x", "hello", "--as", "carol"], edge)).code).toBe(4);
  const shown = await runCli(
    ["join", `${hub.url}/join/n3`, "--as", "dave", "--show-key"],
    createMemoryEdge(),
  );
  expect(shown.out).toContain("key-n3");
});

test("a key is never sent to another hub than the one that gave it", async () => {
  const joins = (): StubAnswer => ({ status: 201, body: { agent_id: "alice", api_key: "key", hub: "h" } });
  await using mine = await startStubHub(joins);
  await using other = await startStubHub(joins);
  const edge = createMemoryEdge();
  await runCli(["join", `${mine.url}/join/n`, "--as", "alice"], edge);
  const { code, err } = await runCli(["whoami", "--url", other.url], edge);
  expect(code).toBe(4);
  expect(err).toContain(`joined are: alice at ${mine.url}`);
  expect(other.calls).toEqual([]);
});

test("a key from the environment is only replaced where the new one can be kept", async () => {
  await using hub = await startStubHub(() => ({
    status: 200,
    body: { api_key: "new", old_key_expires_at: "x" },
  }));
  expect((await runCli(["key", "rotate"], edgeFor(hub.url))).code).toBe(2);
  expect(hub.calls).toEqual([]);
  expect((await runCli(["key", "rotate", "--show-key"], edgeFor(hub.url))).out).toContain("new");
});

test("settings are checked in environment and file, and every problem is named", async () => {
  const edge = createMemoryEdge({ env: { MESHKORE_DURABILITY: "maybe", MESHKORE_URL: "http://x" } });
  const file = join(edge.homeDir, "hub.env");
  writeFileSync(file, "MESHKORE_HTTP_PORT=port\nMESHKORE_HOTS=1\nPORT=1\nMESHKORE_DURABILITY=power\n");
  const { code, out, err } = await runCli(["config", "check", "--config", file], edge);
  expect(code).toBe(2);
  expect(out).toContain("MESHKORE_HTTP_PORT");
  expect(out).toContain("MESHKORE_HOTS");
  expect(out).toContain("MESHKORE_DURABILITY");
  expect(err).toContain("PORT in the config file is no setting");
  expect((await runCli(["config", "check"])).out).toBe("the configuration is fine\n");
  expect((await runCli(["config", "list"])).out).toContain("MESHKORE_DATA_DIR");
});
