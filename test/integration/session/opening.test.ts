import { createHash } from "node:crypto";
import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ADMIN_TOKEN, startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { connect, JSON_WIRE, JsonSession, PROTO_WIRE, ProtoSession } from "./raw-session.ts";

const SECRET = "a-secret-of-the-tests-that-is-long-enough";
let hub: TestHub;
let alice: TestAgent;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_JWT_SECRET: SECRET, MESHKORE_SESSIONS_PER_AGENT: "5" } });
  alice = await hub.join("alice");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

/** A token as the hub makes them, that ends when it is told. */
async function tokenFor(agent: TestAgent, lifeS: number): Promise<string> {
  const hex = (text: string) => createHash("sha256").update(text).digest("hex");
  const nowS = Math.floor(Date.now() / 1000);
  return new SignJWT({ key: hex(agent.apiKey) })
    .setProtectedHeader({ alg: "HS256", typ: "JWT", kid: `c${hex(`kid:${SECRET}`).slice(0, 12)}` })
    .setSubject(agent.agentId)
    .setIssuer("localhost")
    .setIssuedAt(nowS - 10)
    .setExpirationTime(nowS + lifeS)
    .sign(Buffer.from(SECRET));
}

async function refusedWith(session: JsonSession): Promise<{ close: number; code: string | undefined }> {
  const { code } = await session.ended;
  return { close: code, code: session.errors.at(-1)?.code };
}

describe("a token", () => {
  test("in the first frame; the welcome tells who, where, how long and how much", async () => {
    const session = await JsonSession.open(hub.http, alice.token);
    const { welcome } = session.frames[0] ?? {};
    expect(welcome).toEqual({
      agent_id: "alice",
      hub_id: "localhost",
      cursor: expect.stringMatching(/^\d+-0$/),
      expires_at: expect.stringMatching(/Z$/),
      max_payload_bytes: 1_048_576,
      max_frame_bytes: expect.any(Number),
    });
    const leftMs = Date.parse(String(welcome?.expires_at)) - Date.now();
    expect(leftMs).toBeGreaterThan(23 * 3_600_000);
    session.close();
  });

  test("in the first frame of the binary wire, with sends in the same frame", async () => {
    const session = await ProtoSession.connect(hub.http);
    session.say({
      hello: { token: alice.token },
      send: [{ ref: 7n, to: "alice", payload: Buffer.from("x") }],
      ping: 3n,
    });
    await session.frame("pong", ({ pong }) => pong === 3n);
    expect(session.frames[0]?.welcome?.agentId).toBe("alice");
    await until("result", () => session.results.find(({ ref, messageId }) => ref === 7n && messageId !== ""));
    session.close();
  });

  test("in the Authorization header; an API key too", async () => {
    for (const credential of [alice.token, alice.apiKey]) {
      const session = await JsonSession.connect(hub.http, [JSON_WIRE], {
        headers: { authorization: `Bearer ${credential}` },
      });
      await session.frame("welcome", ({ welcome }) => welcome?.agent_id === "alice");
      session.close();
    }
  });

  test("in the list of subprotocols, as browsers must; it is not sent back", async () => {
    const session = await JsonSession.connect(hub.http, [`meshkore.bearer.${alice.token}`, JSON_WIRE]);
    expect(session.socket.protocol).toBe(JSON_WIRE);
    await session.frame("welcome", ({ welcome }) => welcome?.agent_id === "alice");
    session.close();
  });

  test.each([
    ["wrong", () => "nonsense"],
    ["empty", () => ""],
    ["a wrong API key", () => `${alice.apiKey.slice(0, -4)}AAAA`],
    ["cut", () => alice.token.slice(0, -3)],
    ["too long", () => "x".repeat(5000)],
    ["expired", () => tokenFor(alice, -5)],
  ])("that is %s ends the session with 4401", async (_what, credential) => {
    const session = await JsonSession.connect(hub.http);
    session.say({ hello: { token: await credential() } });
    expect(await refusedWith(session)).toEqual({ close: 4401, code: "unauthenticated" });
    expect(session.frames.some(({ welcome }) => welcome !== undefined)).toBe(false);
  });

  test("of the operator is no agent's", async () => {
    const session = await JsonSession.connect(hub.http);
    session.say({ hello: { token: ADMIN_TOKEN } });
    expect(await refusedWith(session)).toEqual({ close: 4401, code: "permission_denied" });
  });

  test("that ends, ends the open session with it", async () => {
    const session = await JsonSession.open(hub.http, await tokenFor(alice, 2));
    expect(await refusedWith(session)).toEqual({ close: 4401, code: "unauthenticated" });
    expect(session.errors.at(-1)?.message).toContain("expired");
  });
});

describe("without a token", () => {
  test("a first frame that is no hello is refused, and nothing of it is done", async () => {
    const session = await JsonSession.connect(hub.http);
    session.say({ send: [{ ref: 1, to: "alice", payload: 1 }] });
    expect(await refusedWith(session)).toEqual({ close: 4401, code: "unauthenticated" });
    expect(session.results).toEqual([]);
  });

  test("a connection is closed after a while", async () => {
    const session = await JsonSession.connect(hub.http);
    expect(await refusedWith(session)).toEqual({ close: 4401, code: "unauthenticated" });
  });

  test("garbage in the first frame is malformed", async () => {
    for (const garbage of ["", "{", "[]", "\u0000"]) {
      const session = await JsonSession.connect(hub.http);
      session.socket.send(garbage);
      expect((await session.ended).code).toBe(4400);
    }
  });
});

describe("a deleted agent", () => {
  test("has no session at once, and gets none any more", async () => {
    const doomed = await hub.join("doomed");
    const session = await JsonSession.open(hub.http, doomed.token);
    expect((await hub.admin("DELETE", "/agents/doomed")).status).toBe(204);
    expect(await refusedWith(session)).toEqual({ close: 4401, code: "unauthenticated" });
    const again = await JsonSession.connect(hub.http);
    again.say({ hello: { token: doomed.apiKey } });
    expect(await refusedWith(again)).toEqual({ close: 4401, code: "unauthenticated" });
  });

  test("also when it is opening one at that moment", async () => {
    for (let n = 0; n < 8; n++) {
      const doomed = await hub.join(`racing-${n}`);
      const sessions = await Promise.all([1, 2, 3, 4].map(() => JsonSession.connect(hub.http)));
      const deleting = hub.admin("DELETE", `/agents/racing-${n}`);
      for (const session of sessions) session.say({ hello: { token: doomed.token } });
      expect((await deleting).status).toBe(204);
      for (const session of sessions) expect((await session.ended).code).toBe(4401);
    }
  });
});

describe("sessions of one agent", () => {
  test("are bounded, and one that ends makes room", async () => {
    const many = await hub.join("many");
    const open = await Promise.all([1, 2, 3, 4, 5].map(() => JsonSession.open(hub.http, many.token)));
    const over = await JsonSession.connect(hub.http);
    over.say({ hello: { token: many.token } });
    expect(await refusedWith(over)).toEqual({ close: 4429, code: "rate_limited" });
    open[0]?.close();
    await open[0]?.ended;
    const another = await JsonSession.open(hub.http, many.token);
    for (const session of [...open, another]) session.close();
  });

  test("are bounded also when all come at once", async () => {
    const crowd = await hub.join("crowd");
    const sessions = await Promise.all(Array.from({ length: 20 }, () => JsonSession.connect(hub.http)));
    for (const session of sessions) session.say({ hello: { token: crowd.token } });
    const outcomes = await Promise.all(
      sessions.map((session) =>
        Promise.race([
          session.ended.then(({ code }) => code),
          session.frame("welcome", ({ welcome }) => welcome !== undefined).then(() => 0),
        ]),
      ),
    );
    expect(outcomes.filter((code) => code === 0)).toHaveLength(5);
    expect(outcomes.filter((code) => code === 4429)).toHaveLength(15);
    for (const session of sessions) session.close();
  });
});

describe("subprotocols", () => {
  test("the client's order decides", async () => {
    for (const [offered, chosen] of [
      [[JSON_WIRE, PROTO_WIRE], JSON_WIRE],
      [["other", PROTO_WIRE, JSON_WIRE], PROTO_WIRE],
      [[], ""],
    ] as const) {
      const socket = await connect(hub.http, offered);
      expect(socket.protocol).toBe(chosen);
      socket.close();
    }
  });

  test("none of ours is refused before the upgrade", async () => {
    for (const offered of [["graphql-ws"], [`meshkore.bearer.${alice.token}`]])
      await expect(connect(hub.http, offered)).rejects.toThrow("400");
  });
});

describe("pages of other origins", () => {
  test("open no session", async () => {
    for (const origin of ["https://evil.example", "null", "http://localhost.evil.example"])
      await expect(connect(hub.http, [JSON_WIRE], { origin })).rejects.toThrow("403");
    (await connect(hub.http, [JSON_WIRE], { origin: "http://localhost:5173" })).close();
  });
});
