import { describe, expect, test } from "vitest";
import { createFakeHub, MESSAGE_ID, NOW } from "./fake-hub.ts";

const INVITE = {
  nonce: "n0nce",
  url: "https://hub.test/join/n0nce",
  expires_at: NOW,
  max_uses: 3,
  uses: 1,
  capabilities: ["translate"],
  created_by: "admin",
};
const AGENT = {
  agent_id: "alice",
  description: "",
  capabilities: ["translate"],
  status: "available",
  online: true,
  visibility: "hub",
  access: "members",
  created_at: NOW,
};
const CHANNEL = {
  id: "team",
  name: "team",
  owner: "alice",
  description: "",
  private: false,
  member_count: 2,
  is_member: true,
  created_at: NOW,
};
const ACCEPTED = { message_id: MESSAGE_ID, status: "accepted", position: "1-42" };

interface Row {
  readonly call: readonly [method: string, target: string, body?: unknown];
  readonly reaches: readonly [method: string, ...args: unknown[]];
  readonly answer: readonly [status: number, json?: unknown];
}

const rows: readonly Row[] = [
  {
    call: ["POST", "/invites", { max_uses: 3, expires_in_s: 60, capabilities: ["translate"] }],
    reaches: ["createInvite", { maxUses: 3, expiresInS: 60, capabilities: ["translate"] }],
    answer: [201, INVITE],
  },
  { call: ["POST", "/invites"], reaches: ["createInvite", {}], answer: [201, INVITE] },
  { call: ["GET", "/invites"], reaches: ["listInvites"], answer: [200, { invites: [INVITE] }] },
  { call: ["DELETE", "/invites/n0nce"], reaches: ["revokeInvite", "n0nce"], answer: [204] },
  {
    call: [
      "POST",
      "/join/n0nce",
      {
        agent_id: "alice",
        capabilities: ["translate"],
        description: "d",
        public_key: "pk",
        profile: { status: "busy", team: "red" },
      },
    ],
    reaches: [
      "join",
      {
        nonce: "n0nce",
        agentId: "alice",
        publicKey: "pk",
        profile: { status: "busy", extra: { team: "red" }, capabilities: ["translate"], description: "d" },
      },
    ],
    answer: [
      201,
      {
        agent_id: "alice",
        api_key: "mk_key",
        token: "jwt",
        token_expires_at: NOW,
        hub: "hub.test",
        url: "https://hub.test",
      },
    ],
  },
  {
    call: ["POST", "/register", { agent_id: "alice", api_key: "mk_key" }],
    reaches: ["register", { agentId: "alice", apiKey: "mk_key" }],
    answer: [200, { token: "jwt", expires_at: NOW }],
  },
  {
    call: ["POST", "/tickets"],
    reaches: ["issueTicket"],
    answer: [201, { ticket: "mkt_ticket", expires_at: NOW }],
  },
  {
    call: ["POST", "/keys/rotate"],
    reaches: ["rotateKey", { revokeNow: false }],
    answer: [200, { api_key: "mk_new", old_key_expires_at: NOW }],
  },
  {
    call: ["POST", "/keys/rotate", { revoke_now: true }],
    reaches: ["rotateKey", { revokeNow: true }],
    answer: [200, { api_key: "mk_new", old_key_expires_at: NOW }],
  },
  {
    call: ["GET", "/agents?capability=translate&q=legl%20translatr&status=busy&limit=9999&cursor=x"],
    reaches: [
      "listAgents",
      { capability: "translate", query: "legl translatr", status: "busy", limit: 500, cursor: "x" },
    ],
    answer: [200, { agents: [AGENT] }],
  },
  {
    call: ["GET", "/agents?intent=translate+this&q="],
    reaches: ["listAgents", { query: "translate this" }],
    answer: [200, { agents: [AGENT] }],
  },
  { call: ["GET", "/agents/alice"], reaches: ["getAgent", "alice"], answer: [200, AGENT] },
  { call: ["GET", "/agents/alice@hub.test"], reaches: ["getAgent", "alice"], answer: [200, AGENT] },
  {
    call: ["GET", "/agents/alice%40other.test"],
    reaches: ["getAgent", "alice@other.test"],
    answer: [200, AGENT],
  },
  { call: ["DELETE", "/agents/alice"], reaches: ["deleteAgent", "alice"], answer: [204] },
  {
    call: ["PUT", "/agents/alice/plan", { plan: "pro" }],
    reaches: ["setPlan", "alice", "pro"],
    answer: [200, { ...AGENT, plan: "pro" }],
  },
  {
    call: [
      "PATCH",
      "/profile",
      {
        name: "Alice",
        description: "d",
        status: "away",
        capabilities: ["a"],
        visibility: "public",
        access: "public",
        languages: ["en"],
        language_pairs: ["en-de"],
        region: "EU",
        price: { amount: 0.05, currency: "EUR", unit: "word" },
        turnaround_min: 30,
        credentials: ["sworn"],
        motto: { any: [1] },
      },
    ],
    reaches: [
      "updateProfile",
      {
        name: "Alice",
        description: "d",
        status: "away",
        capabilities: ["a"],
        visibility: "public",
        access: "public",
        languages: ["en"],
        languagePairs: ["en-de"],
        region: "EU",
        price: { amount: "0.05", currency: "EUR", unit: "word" },
        turnaroundMin: 30,
        credentials: ["sworn"],
        extra: { motto: { any: [1] } },
      },
    ],
    answer: [200, AGENT],
  },
  { call: ["GET", "/messages"], reaches: ["receive", {}], answer: [200, { messages: [], cursor: "1-7" }] },
  {
    call: ["GET", "/messages?cursor=1-5&wait=20&limit=10&ack=manual"],
    reaches: ["receive", { cursor: "1-5", waitMs: 20_000, limit: 10, manualAck: true }],
    answer: [200, { messages: [], cursor: "1-7" }],
  },
  {
    call: ["GET", "/messages?cursor=&wait=600&limit=0&ack=auto"],
    reaches: ["receive", { waitMs: 60_000, limit: 1 }],
    answer: [200, { messages: [], cursor: "1-7" }],
  },
  { call: ["POST", "/messages/ack", { cursor: "1-7" }], reaches: ["acknowledge", "1-7"], answer: [204] },
  {
    call: ["GET", `/messages/${MESSAGE_ID}/status`],
    reaches: ["status", MESSAGE_ID],
    answer: [200, { message_id: MESSAGE_ID, status: "read", at: NOW, to: "bob", created_at: NOW }],
  },
  {
    call: ["POST", `/messages/${MESSAGE_ID}/processed`],
    reaches: ["markProcessed", MESSAGE_ID, { ok: true, note: "" }],
    answer: [200, { message_id: MESSAGE_ID, status: "processed" }],
  },
  {
    call: ["POST", `/messages/${MESSAGE_ID}/processed`, { ok: false, note: "no" }],
    reaches: ["markProcessed", MESSAGE_ID, { ok: false, note: "no" }],
    answer: [200, { message_id: MESSAGE_ID, status: "failed" }],
  },
  {
    call: ["GET", "/messages/dead?limit=5&cursor=x"],
    reaches: ["deadMessages", { limit: 5, cursor: "x" }],
    answer: [200, { messages: [] }],
  },
  {
    call: ["POST", `/messages/${MESSAGE_ID}/redrive`],
    reaches: ["redrive", MESSAGE_ID],
    answer: [202, ACCEPTED],
  },
  {
    call: ["GET", "/history/bob@other.test?limit=5&cursor=x"],
    reaches: ["history", { peer: "bob@other.test", limit: 5, cursor: "x" }],
    answer: [200, { messages: [] }],
  },
  {
    call: ["GET", "/history/%23team"],
    reaches: ["history", { peer: "#team" }],
    answer: [200, { messages: [] }],
  },
  {
    call: ["GET", "/channels/team/history"],
    reaches: ["history", { peer: "#team" }],
    answer: [200, { messages: [] }],
  },
  {
    call: ["POST", "/channels", { name: "#team", members: ["bob"], description: "d", private: true }],
    reaches: ["createChannel", { name: "team", members: ["bob"], description: "d", isPrivate: true }],
    answer: [201, CHANNEL],
  },
  {
    call: ["GET", "/channels?limit=2&cursor=c1"],
    reaches: ["listChannels", { limit: 2, cursor: "c1" }],
    answer: [200, { channels: [CHANNEL], cursor: "c2" }],
  },
  { call: ["POST", "/channels/team/join"], reaches: ["joinChannel", "team"], answer: [200, CHANNEL] },
  { call: ["POST", "/channels/%23team/leave"], reaches: ["leaveChannel", "team"], answer: [204] },
  {
    call: ["GET", "/channels/team/members"],
    reaches: ["listChannelMembers", "team", {}],
    answer: [200, { members: ["alice", "bob"] }],
  },
  {
    call: ["POST", "/channels/team/members", { members: ["carol"] }],
    reaches: ["addChannelMembers", "team", ["carol"]],
    answer: [200, CHANNEL],
  },
  { call: ["DELETE", "/channels/team"], reaches: ["deleteChannel", "team"], answer: [204] },
  {
    call: ["PUT", "/profile/reach/credential", { origin: "https://a.test", bearer: "s3cret" }],
    reaches: ["setCredential", { origin: "https://a.test", value: "Bearer s3cret" }],
    answer: [200, { origin: "https://a.test", header: "authorization", set_at: NOW }],
  },
  {
    call: ["PUT", "/profile/reach/credential", { origin: "https://a.test", header: "X-Key", value: "k" }],
    reaches: ["setCredential", { origin: "https://a.test", header: "X-Key", value: "k" }],
    answer: [200, { origin: "https://a.test", header: "authorization", set_at: NOW }],
  },
  {
    call: ["GET", "/profile/reach/credential"],
    reaches: ["getCredential"],
    answer: [200, { origin: "https://a.test", header: "authorization", set_at: NOW }],
  },
  { call: ["DELETE", "/profile/reach/credential"], reaches: ["removeCredential"], answer: [204] },
  {
    call: ["POST", "/blocks", { agent: "bob" }],
    reaches: ["addAccessRule", { subject: "bob", mode: "block" }],
    answer: [201, { agent: "bob", mode: "block" }],
  },
  {
    call: ["POST", "/blocks", { agent: "bob@hub.test", mode: "allow" }],
    reaches: ["addAccessRule", { subject: "bob", mode: "allow" }],
    answer: [201, { agent: "bob", mode: "allow" }],
  },
  {
    call: ["GET", "/blocks"],
    reaches: ["listAccessRules"],
    answer: [200, { rules: [{ agent: "bob", mode: "block" }] }],
  },
  { call: ["DELETE", "/blocks/bob"], reaches: ["removeAccessRule", "bob"], answer: [204] },
  {
    call: ["GET", "/stats"],
    reaches: ["stats"],
    answer: [
      200,
      {
        hub: "hub.test",
        version: "0.1.0",
        agents: 2,
        online: 1,
        channels: 1,
        messages_accepted: 5,
        bytes_accepted: 500,
        uptime_s: 9,
      },
    ],
  },
  {
    call: ["GET", "/network"],
    reaches: ["network"],
    answer: [
      200,
      { agents: 2, online: 1, messages: 5, edges: [{ from: "alice", to: "bob", messages: 5, last_at: NOW }] },
    ],
  },
  {
    call: ["GET", "/context"],
    reaches: ["context"],
    answer: [
      200,
      {
        hub: "hub.test",
        you: AGENT,
        unread: 1,
        cursor: "1-6",
        agents: [AGENT],
        channels: [CHANNEL],
        limits: { per_minute: 60, max_payload_bytes: 1_048_576, plan: "open" },
      },
    ],
  },
];

describe("the REST table", () => {
  test.each(rows.map((row) => [`${row.call[0]} ${row.call[1]}`, row] as const))("%s", async (_name, row) => {
    const hub = createFakeHub();
    const [method, target, body] = row.call;
    const answer = await hub.ask(method, target, body === undefined ? {} : { body });
    expect({ status: answer.status, json: answer.json }).toEqual({
      status: row.answer[0],
      json: row.answer[1],
    });
    expect(hub.reached.map(({ method: name, args }) => [name, ...args])).toEqual([row.reaches]);
    expect(answer.headers["cache-control"]).toBe("no-store");
  });

  test.each([
    ["POST", "/discover"],
    ["POST", "/services"],
    ["GET", "/services"],
    ["GET", "/services/x"],
  ])("%s %s is not built yet, and says what to do instead", async (method, path) => {
    const answer = await createFakeHub().ask(method, path, { headers: { authorization: "" } });
    expect(answer.status).toBe(501);
    expect(answer.error).toMatchObject({ code: "unimplemented", hint: expect.stringMatching(/\w{4}/) });
  });

  test("what an agent says of itself cannot pass for what the hub says", async () => {
    const spoofed = {
      agentId: "mallory",
      profile: {
        capabilities: [],
        status: "available",
        visibility: "hub",
        access: "members",
        extra: { plan: "pro", agent_id: "alice", online: true, motto: "x" },
      },
      online: false,
      createdUnixMs: 0,
      publicKey: undefined,
      plan: undefined,
    };
    const answer = await createFakeHub({ getAgent: () => spoofed }).ask("GET", "/agents/mallory");
    expect(answer.json).toMatchObject({ agent_id: "mallory", online: false, motto: "x" });
    expect(answer.json).not.toHaveProperty("plan");
  });
});
