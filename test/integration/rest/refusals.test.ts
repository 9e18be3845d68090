import { SignJWT } from "jose";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";

const SECRET = "a-secret-of-forty-characters-for-this-test";
const MAX_PAYLOAD_BYTES = 4096;

let hub: TestHub;
let alice: TestAgent;

beforeAll(async () => {
  hub = await startHub({
    env: { MESHKORE_JWT_SECRET: SECRET, MESHKORE_MAX_PAYLOAD_BYTES: String(MAX_PAYLOAD_BYTES) },
  });
  alice = await hub.join("alice");
  await hub.join("bob");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

/** The same claims as the hub's own token, changed and signed again. */
function forged(token: string, claims: object, secret = SECRET): Promise<string> {
  const [head = "", body = ""] = token.split(".");
  const header = JSON.parse(Buffer.from(head, "base64url").toString("utf8"));
  const payload = JSON.parse(Buffer.from(body, "base64url").toString("utf8"));
  return new SignJWT({ ...payload, ...claims }).setProtectedHeader(header).sign(Buffer.from(secret, "utf8"));
}

describe("401", () => {
  const refused = async (authorization: string | undefined) => {
    const answer = await hub.call("POST", "/send", {
      body: { to: "bob", payload: 1 },
      headers: authorization === undefined ? {} : { authorization },
    });
    expect(answer.status, authorization).toBe(401);
    expect(answer.headers.get("www-authenticate")).toMatch(/^Bearer/);
    expect(answer.refusal()).toMatchObject({
      code: "unauthenticated",
      hint: expect.stringContaining("Bearer"),
    });
  };

  test("without, of another scheme, empty, made up", async () => {
    await refused(undefined);
    await refused("Basic YWxpY2U6eA==");
    await refused("Bearer");
    await refused(alice.token);
    await refused("Bearer made-up");
    await refused(`Bearer ${alice.apiKey}x`);
    await refused(`Bearer ${alice.token.slice(0, -2)}`);
  });

  test("signed by somebody else, expired, without a signature", async () => {
    const soonS = Math.floor(Date.now() / 1000) + 600;
    const control = await forged(alice.token, { exp: soonS });
    expect((await hub.call("GET", "/messages", { token: control })).status).toBe(200);
    await refused(`Bearer ${await forged(alice.token, { exp: soonS - 1200 })}`);
    await refused(`Bearer ${await forged(alice.token, {}, "another-secret-of-forty-characters-or-so")}`);
    await refused(`Bearer ${await forged(alice.token, { sub: "nobody" })}`);
    const [, body] = alice.token.split(".");
    const none = Buffer.from('{"alg":"none","typ":"JWT"}').toString("base64url");
    await refused(`Bearer ${none}.${body}.`);
  });

  test("registering with a wrong key", async () => {
    for (const body of [
      { agent_id: "alice", api_key: "wrong" },
      { agent_id: "bob", api_key: alice.apiKey },
      { agent_id: "nobody", api_key: alice.apiKey },
    ]) {
      const answer = await hub.call("POST", "/register", { body });
      expect(answer.status).toBe(401);
      expect(answer.refusal().code).toBe("unauthenticated");
    }
  });

  test("the scheme's case does not matter", async () => {
    for (const scheme of ["bearer", "BEARER"]) {
      const headers = { authorization: `${scheme} ${alice.token}` };
      expect((await hub.call("GET", "/messages", { headers })).status).toBe(200);
    }
  });
});

describe("400", () => {
  test.each<[string, string | Uint8Array<ArrayBuffer>, RegExp]>([
    ["nothing", "", /empty/],
    ["no JSON", '{"to":"bob",', /JSON/],
    ["no object", "[]", /object/],
    ["invalid UTF-8", new Uint8Array([...Buffer.from('{"to":"bob","payload":"'), 0xff, 0x22, 0x7d]), /UTF-8/],
    ["a missing to", '{"payload":1}', /to is missing/],
    ["a missing payload", '{"to":"bob"}', /payload is missing/],
    ["a slip", '{"to":"bob","payload":1,"replyto":"x"}', /did you mean "reply_to"/],
    ["__proto__", '{"to":"bob","payload":1,"__proto__":{"admin":true}}', /__proto__/],
    ["no address", '{"to":"Not An Id","payload":1}', /address/],
    ["a bad channel", '{"to":"#Not A Channel","payload":1}', /address/],
    ["deep JSON", `{"to":"bob","payload":${"[".repeat(1000)}${"]".repeat(1000)}}`, /deep/],
    ["a header too big", `{"to":"bob","payload":1,"context_id":"${"x".repeat(9000)}"}`, /./],
  ])("%s", async (_name, raw, message) => {
    const answer = await alice.call("POST", "/send", { raw });
    expect([400, 413]).toContain(answer.status);
    expect(answer.refusal().message).toMatch(message);
    expect(answer.refusal().hint).not.toBe("");
  });

  test("a garbage cursor, and bad numbers", async () => {
    for (const query of ["cursor=garbage", "cursor=1-x", "limit=x", "wait=x", "ack=maybe"]) {
      const answer = await alice.get(`/messages?${query}`);
      expect(answer.status, query).toBe(400);
    }
    expect((await alice.post("/messages/ack", { cursor: "garbage" })).status).toBe(400);
  });

  test("a bad agent id", async () => {
    const nonce = await hub.invite();
    for (const agentId of ["Alice", "a b", "-a", "a_b", "x".repeat(64), "ä", "a@b"]) {
      const answer = await hub.call("POST", `/join/${nonce}`, { body: { agent_id: agentId } });
      expect(answer.status, agentId).toBe(400);
    }
  });

  test("a payload with hostile keys is just a payload", async () => {
    const bob = await hub.join("bob-hostile");
    const payload = '{"__proto__":{"admin":true},"constructor":{"prototype":{}},"toString":1}';
    await alice.call("POST", "/send", { raw: `{"to":"bob-hostile","payload":${payload}}` });
    expect((await bob.get("/messages")).text).toContain(`"payload":${payload}`);
  });
});

describe("413", () => {
  test("a payload over the limit, and one right at it", async () => {
    const payloadOf = (bytes: number) => "x".repeat(bytes - 2);
    const over = await alice.post("/send", { to: "bob", payload: payloadOf(MAX_PAYLOAD_BYTES + 1) });
    expect(over.status).toBe(413);
    expect(over.refusal().code).toBe("too_large");
    const right = await alice.post("/send", { to: "bob", payload: payloadOf(MAX_PAYLOAD_BYTES) });
    expect(right.status).toBe(202);
  });

  test("a body over the listener's limit is answered too", async () => {
    const answer = await alice.post("/send", { to: "bob", payload: "x".repeat(200_000) });
    expect(answer.status).toBe(413);
    expect(answer.refusal().code).toBe("too_large");
    expect((await alice.get("/stats")).status).toBe(200);
  });
});

describe("403 and 404", () => {
  test("what belongs to the operator", async () => {
    for (const [method, path, body] of [
      ["POST", "/invites", {}],
      ["PUT", "/agents/alice/plan", { plan: "pro" }],
      ["DELETE", "/agents/bob", undefined],
    ] as const) {
      const answer = await alice.call(method, path, body === undefined ? {} : { body });
      expect(answer.status, path).toBe(403);
      expect(answer.refusal().code).toBe("permission_denied");
    }
  });

  test("the operator is no agent", async () => {
    for (const [method, path, body] of [
      ["POST", "/send", { to: "bob", payload: 1 }],
      ["GET", "/messages", undefined],
      ["PATCH", "/profile", { status: "busy" }],
    ] as const) {
      expect((await hub.admin(method, path, body === undefined ? {} : { body })).status, path).toBe(403);
    }
  });

  test("who and what is not there", async () => {
    const id = "019b7c5e-0000-7000-8000-000000000001";
    for (const [method, path, body] of [
      ["POST", "/send", { to: "nobody", payload: 1 }],
      ["POST", "/send", { to: "#nowhere", payload: 1 }],
      ["POST", "/channels/nowhere/send", { payload: 1 }],
      ["POST", "/channels/nowhere/join", undefined],
      ["GET", "/channels/nowhere/members", undefined],
      ["GET", `/messages/${id}/status`, undefined],
      ["POST", `/messages/${id}/processed`, {}],
      ["POST", `/messages/${id}/redrive`, undefined],
      ["GET", "/join/unknown-nonce", undefined],
      ["POST", "/join/unknown-nonce", { agent_id: "carol" }],
    ] as const) {
      const answer = await alice.call(method, path, {
        headers: { accept: "application/json" },
        ...(body !== undefined && { body }),
      });
      expect(answer.status, `${method} ${path}`).toBe(404);
      expect(answer.refusal().code).toBe("not_found");
    }
  });
});
