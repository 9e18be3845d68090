import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, test } from "vitest";
import { WebSocket } from "ws";
import { type RestAnswer, type RestOptions, restCall } from "../../support/rest-client.ts";
import { until } from "../../support/until.ts";
import { type HubRun, runHub, withDataDir } from "./hub-run.ts";
import { breakEveryWire, callOverEveryWire } from "./secret-wires.ts";

const PAYLOAD = "a-payload-that-only-bob-may-read";
const JWT_SECRET = "the-secret-that-signs-the-tokens-of-this-hub";

/** The values that calls hand around and that no log may show. */
class Secrets {
  readonly values = new Map<string, string>();

  keep(name: string, value: unknown): string {
    if (typeof value !== "string" || value.length < 8) throw new Error(`${name} is no secret: ${value}`);
    this.values.set(name, value);
    return value;
  }
}

interface Agent {
  readonly key: string;
  readonly token: string;
}

/** The life of two agents over every kind of call, with what goes wrong in it. */
async function live(hub: HubRun, adminToken: string, secrets: Secrets): Promise<void> {
  const http = await hub.http();
  const grpc = String(Object(JSON.parse(hub.out().split("\n")[0] ?? "")).grpc);
  const call = (method: string, path: string, options?: RestOptions) => restCall(http, method, path, options);
  const invite = await call("POST", "/invites", { token: adminToken, body: { max_uses: 3 } });
  const nonce = secrets.keep("nonce", invite.field("nonce"));
  const agent = async (agentId: string): Promise<Agent> => {
    const joined = await call("POST", `/join/${nonce}`, { body: { agent_id: agentId } });
    expect(joined.status).toBe(201);
    return {
      key: secrets.keep(`key of ${agentId}`, joined.field("api_key")),
      token: secrets.keep(`token of ${agentId}`, joined.field("token")),
    };
  };
  const alice = await agent("alice");
  const bob = await agent("bob");
  await talk(call, alice, bob);
  await renew(call, bob, secrets);
  await stumble(call, { alice, nonce, adminToken });
  await holdSession(http, alice);
  const inUse = { ...alice, nonce, adminToken, payload: PAYLOAD };
  await callOverEveryWire(http, grpc, inUse);
  await breakEveryWire(http, inUse);
  await call("DELETE", `/invites/${nonce}`, { token: adminToken });
  await call("DELETE", "/agents/alice", { token: alice.token });
}

type Call = (method: string, path: string, options?: RestOptions) => Promise<RestAnswer>;

async function talk(call: Call, alice: Agent, bob: Agent): Promise<void> {
  const { token } = alice;
  const sent = await call("POST", "/send", { token, body: { to: "bob", payload: PAYLOAD } });
  expect(sent.status).toBe(202);
  await call("POST", "/channels", { token, body: { name: "team", members: ["bob"] } });
  await call("POST", "/channels/team/send", { token, body: { payload: { text: PAYLOAD } } });
  const page = await call("GET", "/messages?wait=1", { token: bob.token });
  expect(page.messages().length).toBeGreaterThan(0);
  const cursor = page.field("cursor");
  await call("POST", "/messages/ack", { token: bob.token, body: { cursor } });
  await call("POST", `/messages/${String(sent.field("message_id"))}/processed`, {
    token: bob.token,
    body: { ok: false, note: PAYLOAD },
  });
  await call("GET", "/history/bob", { token });
  await call("GET", "/messages/dead", { token });
}

async function renew(call: Call, bob: Agent, secrets: Secrets): Promise<void> {
  const again = await call("POST", "/register", { body: { agent_id: "bob", api_key: bob.key } });
  secrets.keep("second token of bob", again.field("token"));
  const rotated = await call("POST", "/keys/rotate", { token: bob.token });
  const key = secrets.keep("new key of bob", rotated.field("api_key"));
  expect((await call("GET", "/context", { token: key })).status).toBe(200);
}

interface Wrong {
  readonly alice: Agent;
  readonly nonce: string;
  readonly adminToken: string;
}

/** Secrets in the wrong place, and changed so slightly that whoever sees them knows them. */
async function stumble(call: Call, { alice, nonce, adminToken }: Wrong): Promise<void> {
  const { key, token } = alice;
  const answers = [
    await call("GET", "/context", { token: `${token}x` }),
    await call("GET", "/context", { token: `${key}x` }),
    await call("GET", "/invites", { token: `${adminToken}x` }),
    await call("POST", "/register", { body: { agent_id: "alice", api_key: `${key}x` } }),
    await call("POST", `/join/${nonce}x`, { body: { agent_id: "carol" } }),
    await call("POST", `/join/${nonce}`, { body: { agent_id: "alice" } }),
    await call("POST", `/join/${nonce}`, { body: { agent_id: "No Name", api_key: key } }),
    await call("POST", "/send", { token, raw: `{"to":"bob","payload":"${PAYLOAD}"` }),
    await call("POST", "/send", { token, body: { to: "nobody", payload: PAYLOAD } }),
    await call("POST", "/send", { token, body: { to: "bob", payload: PAYLOAD, [PAYLOAD]: key } }),
    await call("GET", `/messages?cursor=${PAYLOAD}`, { token }),
    await call("GET", `/nowhere/${nonce}?token=${token}`, { token }),
  ];
  for (const { status } of answers) expect(status).toBeGreaterThanOrEqual(400);
}

/** The token in each place where a WebSocket may have it; and frames that cannot be read. */
async function holdSession(http: string, { token }: Agent): Promise<void> {
  const frames = [
    JSON.stringify({ hello: { token } }),
    JSON.stringify({ send: [{ ref: 1, to: "bob", payload: PAYLOAD }] }),
    `{"send":[{"to":"bob","payload":"${PAYLOAD}"`,
  ];
  const offers = [
    { protocols: ["meshkore.v1.json"], headers: {} },
    { protocols: ["meshkore.v1.json"], headers: { authorization: `Bearer ${token}` } },
    { protocols: ["meshkore.v1.json", `meshkore.bearer.${token}`], headers: {} },
    { protocols: ["meshkore.v1.json", `meshkore.bearer.${token}x`], headers: {} },
  ];
  for (const { protocols, headers } of offers) {
    const socket = new WebSocket(`${http.replace("http", "ws")}/ws?token=${token}`, protocols, { headers });
    await new Promise<void>((resolve) => {
      socket.once("open", () => {
        for (const frame of frames) socket.send(frame);
      });
      socket.once("error", () => resolve());
      socket.once("close", () => resolve());
    });
  }
}

async function end(hub: HubRun): Promise<void> {
  hub.child.kill("SIGTERM");
  expect((await hub.ended).code).toBe(0);
}

test("no secret and no payload is in the log, at any level", () =>
  withDataDir(async (dataDir) => {
    const secrets = new Secrets();
    const settings = {
      MESHKORE_LOG_LEVEL: "debug",
      MESHKORE_JWT_SECRET: JWT_SECRET,
      MESHKORE_RATE_PER_MINUTE: "1000",
    };
    await using first = runHub(dataDir, settings);
    await first.http();
    await until("the greeting", () => first.err().includes("/join/"));
    await end(first);
    const adminToken = await readFile(join(dataDir, "admin-token"), "utf8");
    secrets.keep("admin token", adminToken.trim());
    secrets.keep("first nonce", /\/join\/(\S+)/.exec(first.err())?.[1]);
    // The greeting is for the operator's eyes; the lines of the log are not.
    const firstLog = first
      .err()
      .split("\n")
      .filter((line) => line.startsWith("{"));

    await using hub = runHub(dataDir, settings);
    await live(hub, adminToken.trim(), secrets);
    await end(hub);

    secrets.keep("JWT secret", JWT_SECRET);
    secrets.keep("payload", PAYLOAD);
    // The log says something of each face, so that what it does not show it could have shown.
    const told = ["hub.started", "request.answered", "call.answered", "session.opened", "session.closed"];
    for (const event of told) expect(hub.err()).toContain(`"event":"${event}"`);
    for (const adapter of ["rest", "hub", "connect", "grpc", "websocket"])
      expect(hub.err()).toContain(`"adapter":"${adapter}"`);
    const log = `${firstLog.join("\n")}\n${hub.err()}`;
    const shown = [...secrets.values].filter(([, value]) => log.includes(value)).map(([name]) => name);
    expect(shown).toEqual([]);
    expect(secrets.values.size).toBeGreaterThan(9);
  }));
