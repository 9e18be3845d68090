import { describe, expect, test } from "vitest";
import { ERROR_CODES, MeshError } from "../../../src/adapter-kit.ts";
import { createFakeHub } from "./fake-hub.ts";

const deep = (levels: number) => `{"to":"bob","payload":${"[".repeat(levels)}${"]".repeat(levels)}}`;

describe("what a body must be", () => {
  test.each<[string, string | Uint8Array, string, RegExp]>([
    ["nothing", "", "malformed", /empty/],
    ["no JSON", '{"to":', "malformed", /not JSON/],
    ["a list", "[1]", "malformed", /not a JSON object/],
    ["a bare null", "null", "malformed", /not a JSON object/],
    ["invalid UTF-8", Buffer.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]), "malformed", /UTF-8/],
    ["too deep", deep(200), "malformed", /deeper/],
    ["a form", "to=bob&payload=1", "malformed", /not JSON/],
    ["no to", '{"payload":1}', "invalid_argument", /^to is missing$/],
    ["no payload", '{"to":"bob"}', "invalid_argument", /^payload is missing$/],
    ["a number as to", '{"to":7,"payload":1}', "invalid_argument", /^to: .*string/],
    ["an empty to", '{"to":"","payload":1}', "invalid_argument", /^to: /],
    [
      "a slip",
      '{"to":"bob","paylod":1}',
      "invalid_argument",
      /unknown field "paylod", did you mean "payload"\?/,
    ],
    ["another word", '{"to":"bob","message":1}', "invalid_argument", /did you mean "payload"\?/],
    ["camel case", '{"to":"b","payload":1,"replyTo":"x"}', "invalid_argument", /did you mean "reply_to"\?/],
    ["an alien", '{"to":"bob","payload":1,"zzzzzz":1}', "invalid_argument", /unknown field "zzzzzz"$/],
    ["__proto__", '{"to":"bob","payload":1,"__proto__":{}}', "invalid_argument", /unknown field "__proto__"/],
    [
      "constructor",
      '{"to":"bob","payload":1,"constructor":1}',
      "invalid_argument",
      /unknown field "constructor"/,
    ],
    ["a ttl of 0", '{"to":"bob","payload":1,"ttl_s":0}', "invalid_argument", /^ttl_s: /],
    ["a word as ttl", '{"to":"bob","payload":1,"ttl_s":"1h"}', "invalid_argument", /^ttl_s: /],
    ["receipts of text", '{"to":"bob","payload":1,"receipts":"no"}', "invalid_argument", /^receipts: /],
    ["a priority", '{"to":"bob","payload":1,"priority":"urgent"}', "invalid_argument", /^priority: .*low/],
    ["annotations", '{"to":"bob","payload":1,"annotations":{"a":1}}', "invalid_argument", /^annotations: /],
    ["two payloads", '{"to":"bob","payload":1,"payload_base64":""}', "invalid_argument", /both/],
    ["bad base64", '{"to":"bob","payload_base64":"a b"}', "invalid_argument", /^payload_base64: /],
    [
      "base64 that claims to be JSON",
      '{"to":"bob","payload_base64":"AAAA","content_type":"application/json"}',
      "invalid_argument",
      /not JSON/,
    ],
    [
      "JSON as an image",
      '{"to":"bob","payload":1,"content_type":"image/png"}',
      "invalid_argument",
      /image\/png/,
    ],
    [
      "a number as text",
      '{"to":"bob","payload":1,"content_type":"text/plain"}',
      "invalid_argument",
      /text\/plain/,
    ],
    [
      "half a surrogate as text",
      '{"to":"bob","payload":"\\ud800","content_type":"text/plain"}',
      "invalid_argument",
      /text\/plain/,
    ],
    [
      "no media type",
      '{"to":"bob","payload":1,"content_type":"json"}',
      "invalid_argument",
      /^content_type: /,
    ],
    [
      "a header in disguise",
      '{"to":"bob","payload":1,"content_type":"text/plain\\r\\nx: y"}',
      "invalid_argument",
      /^content_type: /,
    ],
  ])("POST /send with %s", async (_name, rawBody, code, message) => {
    const hub = createFakeHub();
    const answer = await hub.ask("POST", "/send", { rawBody });
    expect(answer.status).toBe(400);
    expect(answer.error.code).toBe(code);
    expect(answer.error.message).toMatch(message);
    expect(answer.error.hint).not.toBe("");
    expect(hub.reached).toEqual([]);
  });

  test.each([
    ["POST", "/invites", { max_uses: 0 }, /^max_uses: /],
    ["POST", "/invites", { expires_in_s: 1.5 }, /^expires_in_s: /],
    ["POST", "/invites", { capabilities: "translate" }, /^capabilities: /],
    ["POST", "/invites", { capabilities: ["a", 1] }, /^capabilities\.1: /],
    ["POST", "/join/n", {}, /^agent_id is missing$/],
    ["POST", "/join/n", { agent_id: 1 }, /^agent_id: /],
    ["POST", "/join/n", { id: "a" }, /did you mean "agent_id"\?/],
    [
      "POST",
      "/join/n",
      { agent_id: "a", profile: { capabilites: [] } },
      /profile: .*did you mean "capabilities"\?/,
    ],
    ["POST", "/join/n", { agent_id: "a", profile: 7 }, /^profile: /],
    ["POST", "/register", { agent_id: "a" }, /^api_key is missing$/],
    ["PATCH", "/profile", { status: "asleep" }, /^status: .*available/],
    ["PATCH", "/profile", { visibility: "secret" }, /^visibility: /],
    ["PATCH", "/profile", { access: "all" }, /^access: /],
    ["PATCH", "/profile", { agent_id: "b" }, /"agent_id" cannot be set here/],
    ["PATCH", "/profile", { plan: "pro" }, /"plan" cannot be set here/],
    ["PATCH", "/profile", { turnaround_min: -1 }, /^turnaround_min: /],
    [
      "PATCH",
      "/profile",
      { price: { amount: "cheap", currency: "EUR", unit: "word" } },
      /^price\.amount: .*decimal/,
    ],
    ["PATCH", "/profile", { price: { amount: 1, unit: "word" } }, /^price\.currency is missing$/],
    [
      "PATCH",
      "/profile",
      { price: { amount: 1, currency: "EUR", unit: "w", per: 1 } },
      /unknown field "per" in price/,
    ],
    ["PATCH", "/profile", { languages: "en" }, /^languages: /],
    ["PUT", "/agents/a/plan", { plan: "gold" }, /^plan: /],
    ["POST", "/blocks", {}, /^agent is missing$/],
    ["POST", "/blocks", { agent: "a", mode: "mute" }, /^mode: /],
    ["POST", "/messages/ack", {}, /^cursor is missing$/],
    ["POST", "/messages/ack", { position: "1-2" }, /did you mean "cursor"\?/],
    ["POST", "/messages/m/processed", { ok: "yes" }, /^ok: /],
    ["POST", "/channels", { members: ["a"] }, /^name is missing$/],
    ["POST", "/channels", { name: "a", members: "b" }, /^members: /],
    ["POST", "/channels/a/members", { members: [] }, /^members: /],
    ["POST", "/channels/a/send", {}, /payload is missing/],
    ["POST", "/channels/a/send", { to: "b", payload: 1 }, /unknown field "to"/],
    ["POST", "/keys/rotate", { grace: 1 }, /unknown field "grace"/],
  ])("%s %s with %j", async (method, target, body, message) => {
    const hub = createFakeHub();
    const answer = await hub.ask(method, target, { body });
    expect(answer.status).toBe(400);
    expect(answer.error.message).toMatch(message);
    expect(answer.error.hint).not.toBe("");
    expect(hub.reached).toEqual([]);
  });

  test("at most three problems are told, and how many more there are", async () => {
    const answer = await createFakeHub().ask("POST", "/send", {
      body: { a1: 1, b2: 1, c3: 1, d4: 1, payload: 1 },
    });
    expect(answer.error.message).toMatch(/; and 2 more$/);
  });

  test("JSON is taken whatever the content-type says: curl -d says form", async () => {
    const headers = { "content-type": "application/x-www-form-urlencoded" };
    const hub = createFakeHub();
    const good = await hub.ask("POST", "/send", { body: { to: "bob", payload: 1 }, headers });
    expect(good.status).toBe(202);
    const bad = await hub.ask("POST", "/send", { rawBody: "to=bob", headers });
    expect(bad.error.hint).toMatch(/application\/json, not "application\/x-www-form-urlencoded"/);
  });
});

describe("query parameters", () => {
  test.each([
    ["GET", "/messages?limit=ten", /limit/],
    ["GET", "/messages?limit=1.5", /limit/],
    ["GET", "/messages?wait=-1", /wait/],
    ["GET", "/messages?wait=soon", /wait/],
    ["GET", "/messages?ack=yes", /ack/],
    ["GET", "/messages?curser=1-2", /did you mean "cursor"\?/],
    ["GET", "/agents?status=asleep", /status/],
    ["GET", "/agents?capabilities=x", /did you mean "capability"\?/],
    ["GET", "/history/bob?wait=1", /unknown query parameter "wait"/],
    ["GET", "/channels?x=1", /unknown query parameter "x"/],
    ["GET", "/stats?x=1", /unknown query parameter "x"/],
    ["POST", "/send?timeout=5", /did you mean "wait"\?/],
  ])("%s %s", async (method, target, message) => {
    const hub = createFakeHub();
    const answer = await hub.ask(method, target, method === "GET" ? {} : { body: { to: "b", payload: 1 } });
    expect(answer.status).toBe(400);
    expect(answer.error.message).toMatch(message);
    expect(answer.error.hint).not.toBe("");
    expect(hub.reached).toEqual([]);
  });
});

describe("who calls", () => {
  test.each(["", "Basic YWxpY2U6eA==", "Bearer", "Bearer ", "t-alice", "Bearer a b", "Bearer wrong"])(
    "'%s' is no credential",
    async (authorization) => {
      const hub = createFakeHub();
      const answer = await hub.ask("POST", "/send", { body: { broken: 1 }, headers: { authorization } });
      expect(answer.status).toBe(401);
      expect(answer.headers["www-authenticate"]).toBe("Bearer");
      expect(answer.error.code).toBe("unauthenticated");
      expect(hub.reached).toEqual([]);
    },
  );

  test.each(["Bearer t-alice", "bearer t-alice", "BEARER  t-alice"])("'%s' is one", async (authorization) => {
    const answer = await createFakeHub().ask("GET", "/messages", { headers: { authorization } });
    expect(answer.status).toBe(200);
  });

  test("joining and registering look at no token", async () => {
    const headers = { authorization: "Bearer stale" };
    const hub = createFakeHub();
    expect((await hub.ask("POST", "/join/n", { body: { agent_id: "a" }, headers })).status).toBe(201);
    expect(
      (await hub.ask("POST", "/register", { body: { agent_id: "a", api_key: "k" }, headers })).status,
    ).toBe(200);
    expect((await hub.ask("GET", "/join/n", { headers })).status).toBe(200);
  });
});

describe("errors of the hub", () => {
  const status: Readonly<Record<string, number>> = {
    malformed: 400,
    invalid_argument: 400,
    unauthenticated: 401,
    permission_denied: 403,
    not_found: 404,
    already_exists: 409,
    failed_precondition: 409,
    gone: 410,
    too_large: 413,
    rate_limited: 429,
    quota_exceeded: 429,
    inbox_full: 503,
    storage_full: 503,
    unavailable: 503,
    gap: 410,
    unimplemented: 501,
    internal: 500,
  };

  test.each(ERROR_CODES)("%s", async (code) => {
    const throws = () => {
      throw new MeshError(code, "what", { hint: "do that" });
    };
    const answer = await createFakeHub({ send: throws }).ask("POST", "/send", {
      body: { to: "b", payload: 1 },
    });
    expect(answer.status).toBe(status[code]);
    expect(answer.error).toMatchObject({ code, message: "what", hint: "do that" });
    const invitesRetry = answer.status === 429 || answer.status === 503;
    expect(answer.headers["retry-after"]).toEqual(
      invitesRetry ? expect.stringMatching(/^[1-9]\d*$/) : undefined,
    );
    expect(answer.error.retry_after_s !== undefined).toBe(invitesRetry);
  });

  test("the error's own time to wait is told in header and body alike, in whole seconds", async () => {
    const throws = () => {
      throw new MeshError("rate_limited", "slow down", { retryAfterS: 2.1 });
    };
    const answer = await createFakeHub({ send: throws }).ask("POST", "/send", {
      body: { to: "b", payload: 1 },
    });
    expect(answer.headers["retry-after"]).toBe("3");
    expect(answer.error).toEqual({
      code: "rate_limited",
      message: "slow down",
      hint: "",
      retry_after_s: 3,
    });
  });

  test("the unforeseen is logged with its cause, and nothing of it leaves", async () => {
    const hub = createFakeHub({
      revokeInvite: () => {
        throw new TypeError("secret of the engine");
      },
    });
    const answer = await hub.ask("DELETE", "/invites/the-nonce");
    expect(answer.status).toBe(500);
    expect(answer.text).not.toContain("secret");
    expect(JSON.stringify(hub.logged)).toContain("secret of the engine");
    expect(JSON.stringify(hub.logged)).toContain("DELETE /invites/:nonce");
    expect(JSON.stringify(hub.logged)).not.toContain("the-nonce");
  });
});
