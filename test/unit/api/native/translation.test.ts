import { create, type DescMethod, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { createNativeServices } from "../../../../src/api/native/index.ts";
import { ChannelService } from "../../../../src/gen/meshkore/v1/channels_pb.js";
import { OperatorService } from "../../../../src/gen/meshkore/v1/operator_pb.js";
import { RegistryService } from "../../../../src/gen/meshkore/v1/registry_pb.js";
import { RelayService } from "../../../../src/gen/meshkore/v1/relay_pb.js";
import { newCounts } from "../../../../src/model/counts.ts";
import { codeOf } from "../../../support/core-fixture.ts";
import { createFakeApi, type FakeApi } from "./fake-api.ts";

const TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01";

async function call<Method extends DescMethod>(
  fake: FakeApi,
  method: Method,
  request: MessageInitShape<Method["input"]>,
): Promise<MessageShape<Method["output"]>> {
  const services = createNativeServices({
    api: fake.api,
    hubId: "hub.test",
    maxPayloadBytes: 1,
    maxFrameBytes: 1,
    counts: newCounts(),
  });
  const row = services.flatMap(({ methods }) => methods).find((candidate) => candidate.method === method);
  if (row?.kind !== "unary") throw new Error(`${method} is no unary call`);
  const context = {
    headers: new Map([
      ["authorization", "Bearer alice"],
      ["traceparent", TRACEPARENT],
    ]),
    remoteAddress: "127.0.0.1",
    signal: new AbortController().signal,
  };
  return (await row.handle(create(method.input, request), context)) as MessageShape<Method["output"]>;
}

const { send, sendAndWait, receive, acknowledge, listHistory, markProcessed } = RelayService.method;
const { createChannel, joinChannel, addChannelMembers } = ChannelService.method;
const { createInvite, listAgents, getAgent, setPlan, addAccessRule, updateProfile, join } =
  RegistryService.method;
const { eraseAgent } = OperatorService.method;

type Fields = Record<string, unknown>;
type Reach = readonly [what: string, method: DescMethod, request: Fields, name: string, ...args: unknown[]];

/** What reaches HubApi of a request; in proto3 an empty field is an absent one. */
const REACHES: readonly Reach[] = [
  [
    "a send that says little",
    send,
    { to: "bob" },
    "send",
    {
      to: "bob",
      payload: new Uint8Array(),
      contentType: "application/octet-stream",
      traceparent: TRACEPARENT,
    },
  ],
  [
    "a send that says everything",
    send,
    {
      ...{
        to: "#team",
        payload: Buffer.from("x"),
        contentType: "text/plain",
        replyTo: "r",
        dedupeKey: "d",
        ttlMs: 5n,
      },
      ...{
        priority: 3,
        contextId: "c",
        taskId: "t",
        traceparent: "own",
        sealed: true,
        noReceipts: true,
        ref: 7n,
      },
      annotations: { note: "1" },
    },
    "send",
    {
      ...{
        to: "#team",
        payload: Buffer.from("x"),
        contentType: "text/plain",
        replyTo: "r",
        dedupeKey: "d",
        ttlMs: 5,
      },
      ...{
        priority: "high",
        contextId: "c",
        taskId: "t",
        traceparent: "own",
        sealed: true,
        noReceipts: true,
      },
      annotations: { note: "1" },
    },
  ],
  ["a receive", receive, {}, "receive", {}],
  [
    "a receive that says everything",
    receive,
    { cursor: "1-2", limit: 7, waitMs: 9, manualAck: true },
    "receive",
    { cursor: "1-2", limit: 7, waitMs: 9, manualAck: true },
  ],
  [
    "a failure",
    markProcessed,
    { messageId: "m", failed: true, note: "n" },
    "markProcessed",
    "m",
    { ok: false, note: "n" },
  ],
  ["a history", listHistory, { peer: "bob", limit: 3 }, "history", { peer: "bob", limit: 3 }],
  ["a channel named with its sign", joinChannel, { channelId: "#team" }, "joinChannel", "team"],
  [
    "a new channel",
    createChannel,
    { name: "team", private: true },
    "createChannel",
    { name: "team", members: [], isPrivate: true },
  ],
  ["an invite", createInvite, { maxUses: 2 }, "createInvite", { maxUses: 2, capabilities: [] }],
  ["a list of agents", listAgents, { query: "x", status: 3 }, "listAgents", { query: "x", status: "away" }],
  ["an agent named with this hub", getAgent, { agentId: "bob@hub.test" }, "getAgent", "bob"],
  ["an agent of another hub", getAgent, { agentId: "bob@other.test" }, "getAgent", "bob@other.test"],
  ["a plan", setPlan, { agentId: "bob", plan: "pro" }, "setPlan", "bob", "pro"],
  [
    "a rule without a mode",
    addAccessRule,
    { rule: { agentId: "bob" } },
    "addAccessRule",
    { subject: "bob", mode: "block" },
  ],
  [
    "named fields, also empty ones",
    updateProfile,
    { profile: {}, fields: ["description", "languagePairs"] },
    "updateProfile",
    { description: "", languagePairs: [] },
  ],
  [
    "a field named as the schema does",
    updateProfile,
    { profile: { turnaroundMin: 5, name: "x" }, fields: ["turnaround_min"] },
    "updateProfile",
    { turnaroundMin: 5 },
  ],
  [
    "a named word that is empty",
    updateProfile,
    { profile: {}, fields: ["status"] },
    "updateProfile",
    { status: "available" },
  ],
  [
    "a profile without names",
    updateProfile,
    { profile: { name: "x", status: 2 } },
    "updateProfile",
    { name: "x", status: "busy" },
  ],
  [
    "a join",
    join,
    { nonce: "n", agentId: "a", profile: { extraJson: '{"k":[1]}' } },
    "join",
    { nonce: "n", agentId: "a", profile: { extra: { k: [1] } } },
  ],
  ["an erasure", eraseAgent, { agentId: "bob" }, "eraseAgent", "bob"],
];

for (const [what, method, request, name, ...args] of REACHES) {
  test(`${what} reaches HubApi as it is meant`, async () => {
    const fake = createFakeApi();
    // The fake has no answers: what reached it is all that counts here.
    await call(fake, method, request).catch(() => undefined);
    expect(fake.reached).toEqual([{ method: name, args }]);
  });
}

describe("a request that means nothing is refused before it reaches HubApi", () => {
  const refused: readonly (readonly [string, DescMethod, Fields])[] = [
    ["priority", send, { to: "bob", priority: 4 }],
    ["ttl_ms", send, { to: "bob", ttlMs: 2n ** 53n }],
    ["send", sendAndWait, { waitMs: 5 }],
    ["cursor", acknowledge, {}],
    ["peer", listHistory, {}],
    ["message_id", markProcessed, {}],
    ["name", createChannel, {}],
    ["members", addChannelMembers, { channelId: "team" }],
    ["status", listAgents, { status: -1 }],
    ["plan", setPlan, { agentId: "bob", plan: "gold" }],
    ["rule", addAccessRule, {}],
    ["rule.mode", addAccessRule, { rule: { agentId: "bob", mode: 3 } }],
    ["profile", updateProfile, {}],
    ["fields", updateProfile, { profile: {}, fields: ["descripton"] }],
    ["profile.price", updateProfile, { profile: {}, fields: ["price"] }],
    ["profile.visibility", updateProfile, { profile: { visibility: 9 } }],
    ["profile.extra_json", updateProfile, { profile: { extraJson: "[1]" } }],
    ["profile.extra_json", updateProfile, { profile: { extraJson: "{" } }],
    ["profile.extra_json", updateProfile, { profile: { extraJson: '{"plan":"pro"}' } }],
    ["profile.extra_json", updateProfile, { profile: { extraJson: '{"__proto__":1}' } }],
    ["nonce", join, { agentId: "a" }],
    ["agent_id", eraseAgent, {}],
  ];
  test.each(refused)("%s (%#)", async (field, method, request) => {
    const fake = createFakeApi();
    const refusal = call(fake, method, request);
    expect(await codeOf(refusal)).toBe("invalid_argument");
    await expect(refusal).rejects.toMatchObject({
      message: expect.stringMatching(`^${field} `),
      hint: expect.any(String),
    });
    expect(fake.reached).toEqual([]);
  });
});

describe("answers", () => {
  test("hold what HubApi gave", async () => {
    const sent = { messageId: "id", epoch: 1, offset: 2 ** 52, duplicate: true };
    const envelope = Buffer.from([1, 2, 3]);
    const fake = createFakeApi({
      send: sent,
      request: { sent, reply: { epoch: 1, offset: 3, bytes: envelope } },
    });
    const expected = { messageId: "id", epoch: 1n, offset: 2n ** 52n, duplicate: true };
    expect(await call(fake, send, { to: "bob" })).toMatchObject(expected);
    expect(await call(fake, sendAndWait, { send: { to: "bob" } })).toMatchObject({
      sent: expected,
      reply: { epoch: 1n, offset: 3n, envelope },
    });
  });

  test("have no reply when none came", async () => {
    const sent = { messageId: "id", epoch: 1, offset: 1, duplicate: false };
    const fake = createFakeApi({ request: { sent, reply: undefined } });
    expect((await call(fake, sendAndWait, { send: { to: "bob" } })).reply).toBeUndefined();
  });
});
