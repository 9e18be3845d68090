import { fromBinary } from "@bufbuild/protobuf";
import { Code, ConnectError } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChannelService } from "../../../src/gen/meshkore/v1/channels_pb.js";
import { EnvelopeSchema, Kind } from "../../../src/gen/meshkore/v1/envelope_pb.js";
import { ErrorCode, ErrorDetailSchema } from "../../../src/gen/meshkore/v1/errors_pb.js";
import { OperatorService } from "../../../src/gen/meshkore/v1/operator_pb.js";
import { AccessMode, AgentStatus, RegistryService } from "../../../src/gen/meshkore/v1/registry_pb.js";
import { MessageState, RelayService } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { TaskService } from "../../../src/gen/meshkore/v1/tasks_pb.js";
import { ADMIN_TOKEN, startHub, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { TASK_CALLS, type TaskScene } from "./task-calls.ts";
import { clientOf, WIRES, type Wire } from "./wires.ts";

const SERVICES = [RelayService, ChannelService, TaskService, RegistryService, OperatorService];
const HELLO = Buffer.from('{"text":"hello"}');

/** Two agents of their own for each wire, and clients as them. */
interface Scene extends TaskScene {
  readonly wire: Wire;
  readonly relay: ReturnType<typeof clientOf<typeof RelayService>>;
  readonly bobsRelay: ReturnType<typeof clientOf<typeof RelayService>>;
  readonly channels: ReturnType<typeof clientOf<typeof ChannelService>>;
  readonly bobsChannels: ReturnType<typeof clientOf<typeof ChannelService>>;
  readonly registry: ReturnType<typeof clientOf<typeof RegistryService>>;
  readonly stranger: ReturnType<typeof clientOf<typeof RegistryService>>;
  readonly adminsRegistry: ReturnType<typeof clientOf<typeof RegistryService>>;
  readonly operator: ReturnType<typeof clientOf<typeof OperatorService>>;
  /** A name that no other wire of this run has. */
  readonly own: (name: string) => string;
}

let hub: TestHub;
beforeAll(async () => {
  hub = await startHub();
});
afterAll(() => hub?.[Symbol.asyncDispose]());

async function sceneOf(wire: Wire, index: number): Promise<Scene> {
  const own = (name: string) => `${name}-${index}`;
  const [alice, bob] = await Promise.all([hub.join(own("alice")), hub.join(own("bob"))]);
  const client = <Service extends (typeof SERVICES)[number]>(service: Service, token?: string) =>
    clientOf(service, wire, hub.http, token);
  return {
    wire,
    alice,
    bob,
    own,
    relay: client(RelayService, alice.token),
    bobsRelay: client(RelayService, bob.apiKey),
    tasks: client(TaskService, alice.token),
    bobsTasks: client(TaskService, bob.token),
    channels: client(ChannelService, alice.token),
    bobsChannels: client(ChannelService, bob.token),
    registry: client(RegistryService, alice.token),
    stranger: client(RegistryService),
    adminsRegistry: client(RegistryService, ADMIN_TOKEN),
    operator: client(OperatorService, ADMIN_TOKEN),
  };
}

/** Bob's unread messages, receipts left out, without acknowledging anything. */
async function unreadOf(scene: Scene) {
  const { deliver, cursor } = await scene.bobsRelay.receive({ manualAck: true });
  const messages = deliver
    .map(({ envelope }) => fromBinary(EnvelopeSchema, envelope))
    .filter(({ header }) => header?.kind === Kind.MESSAGE);
  return { messages, cursor };
}

async function refusalOf(work: Promise<unknown>): Promise<{ code: Code; meshCode: ErrorCode | undefined }> {
  const error = await work.then(
    () => expect.fail("it was not refused"),
    (thrown: unknown) => ConnectError.from(thrown),
  );
  return { code: error.code, meshCode: error.findDetails(ErrorDetailSchema)[0]?.code };
}

type Call = (scene: Scene) => Promise<void>;

/** Every procedure, called once over each wire. In this order: later ones end what earlier ones need. */
const CALLS: Readonly<Record<string, Call>> = {
  async "RelayService.Session"({ relay }) {
    async function* frames() {
      yield { ping: 1n };
    }
    const answers = relay.session(frames())[Symbol.asyncIterator]();
    await expect(answers.next()).rejects.toThrow();
  },
  async "RelayService.Send"({ relay, bob, own }) {
    const request = {
      to: bob.agentId,
      payload: HELLO,
      contentType: "application/json",
      dedupeKey: own("key"),
    };
    const first = await relay.send(request);
    expect(first).toMatchObject({ epoch: 1n, offset: 1n, duplicate: false });
    const again = await relay.send(request);
    expect(again).toMatchObject({ messageId: first.messageId, offset: 1n, duplicate: true });
  },
  async "RelayService.Receive"(scene) {
    const { messages, cursor } = await unreadOf(scene);
    expect(cursor).toBe("1-1");
    expect(messages).toHaveLength(1);
    expect(messages[0]?.header).toMatchObject({ from: scene.alice.agentId, contentType: "application/json" });
    expect(Buffer.from(messages[0]?.payload ?? [])).toEqual(HELLO);
  },
  async "RelayService.Attach"({ bobsRelay, bob }) {
    const abort = new AbortController();
    const answers = bobsRelay.attach({}, { signal: abort.signal })[Symbol.asyncIterator]();
    const { value: first } = await answers.next();
    expect(first?.welcome).toMatchObject({ agentId: bob.agentId, cursor: "1-0", maxPayloadBytes: 1_048_576 });
    const { value: second } = await answers.next();
    expect(second?.deliver).toMatchObject([{ epoch: 1n, offset: 1n }]);
    abort.abort();
    expect((await refusalOf(answers.next())).code).toBe(Code.Canceled);
  },
  async "RelayService.SendAndWait"({ relay, bobsRelay, bob, alice, own }) {
    const send = { to: bob.agentId, payload: HELLO, contextId: own("asked") };
    const asking = relay.sendAndWait({ send, waitMs: 20_000 });
    const asked = await until("the question", async () => {
      const { deliver } = await bobsRelay.receive({ cursor: "1-1", manualAck: true });
      return deliver[0] && fromBinary(EnvelopeSchema, deliver[0].envelope);
    });
    const replyTo = asked.header?.id ?? "";
    await bobsRelay.send({ to: alice.agentId, payload: Buffer.from("yes"), replyTo });
    const { sent, reply } = await asking;
    expect(sent?.messageId).toBe(replyTo);
    const answer = fromBinary(EnvelopeSchema, reply?.envelope ?? new Uint8Array());
    expect(answer).toMatchObject({ header: { from: bob.agentId, replyTo } });
    expect(Buffer.from(answer.payload).toString()).toBe("yes");
  },
  async "RelayService.GetMessageStatus"(scene) {
    const [message] = (await unreadOf(scene)).messages;
    const messageId = message?.header?.id ?? "";
    const status = await scene.relay.getMessageStatus({ messageId });
    expect(status).toMatchObject({ messageId, state: MessageState.DELIVERED, to: scene.bob.agentId });
    expect(Number(status.createdUnixMs)).toBeGreaterThan(1_600_000_000_000);
  },
  async "RelayService.MarkProcessed"(scene) {
    const [message] = (await unreadOf(scene)).messages;
    const messageId = message?.header?.id ?? "";
    await scene.bobsRelay.markProcessed({ messageId, failed: true, note: "no time" });
    const status = await scene.relay.getMessageStatus({ messageId });
    expect(status).toMatchObject({ state: MessageState.FAILED, note: "no time" });
  },
  async "RelayService.Acknowledge"(scene) {
    const { cursor } = await unreadOf(scene);
    expect(await scene.bobsRelay.acknowledge({ cursor })).toMatchObject({ cursor });
    expect((await unreadOf(scene)).messages).toEqual([]);
  },
  async "RelayService.ListHistory"({ relay, bob, alice }) {
    const { messages } = await relay.listHistory({ peer: bob.agentId });
    expect(messages.map(({ header }) => header?.from)).toEqual([bob.agentId, alice.agentId, alice.agentId]);
  },
  async "RelayService.ListDeadMessages"({ relay, bob }) {
    const { messages } = await relay.listDeadMessages({});
    expect(messages).toMatchObject([{ to: bob.agentId, state: MessageState.FAILED, reason: "no time" }]);
  },
  async "RelayService.Redrive"(scene) {
    const [dead] = (await scene.relay.listDeadMessages({})).messages;
    const { sent } = await scene.relay.redrive({ messageId: dead?.messageId ?? "" });
    expect(sent?.messageId).not.toBe(dead?.messageId);
    const { messages } = await unreadOf(scene);
    expect(messages.map(({ header }) => header?.id)).toEqual([sent?.messageId]);
  },

  async "ChannelService.CreateChannel"({ channels, alice, own }) {
    const { channel } = await channels.createChannel({ name: own("team"), description: "ours" });
    expect(channel).toMatchObject({
      id: own("team"),
      owner: alice.agentId,
      description: "ours",
      memberCount: 1,
      private: false,
      member: true,
    });
  },
  async "ChannelService.ListChannels"({ bobsChannels, own }) {
    const { channels } = await bobsChannels.listChannels({ limit: 500 });
    expect(channels.find(({ id }) => id === own("team"))).toMatchObject({ member: false });
  },
  async "ChannelService.JoinChannel"({ bobsChannels, own }) {
    const { channel } = await bobsChannels.joinChannel({ channelId: own("team") });
    expect(channel).toMatchObject({ memberCount: 2, member: true });
  },
  async "ChannelService.LeaveChannel"({ bobsChannels, own }) {
    await bobsChannels.leaveChannel({ channelId: own("team") });
  },
  async "ChannelService.AddChannelMembers"({ channels, bob, own }) {
    const { channel } = await channels.addChannelMembers({ channelId: own("team"), members: [bob.agentId] });
    expect(channel?.memberCount).toBe(2);
  },
  async "ChannelService.ListChannelMembers"({ channels, alice, bob, own }) {
    const { members } = await channels.listChannelMembers({ channelId: own("team") });
    expect(members.toSorted()).toEqual([alice.agentId, bob.agentId]);
  },
  async "ChannelService.DeleteChannel"({ channels, own }) {
    await channels.deleteChannel({ channelId: own("team") });
    expect(await refusalOf(channels.listChannelMembers({ channelId: own("team") }))).toEqual({
      code: Code.NotFound,
      meshCode: ErrorCode.NOT_FOUND,
    });
  },

  ...TASK_CALLS,

  async "RegistryService.CreateInvite"({ adminsRegistry }) {
    const { invite } = await adminsRegistry.createInvite({ maxUses: 3, capabilities: ["translate"] });
    expect(invite).toMatchObject({ maxUses: 3, uses: 0, capabilities: ["translate"] });
    expect(invite?.url).toContain(invite?.nonce);
  },
  async "RegistryService.ListInvites"({ adminsRegistry }) {
    expect((await adminsRegistry.listInvites({})).invites.length).toBeGreaterThan(0);
  },
  async "RegistryService.DescribeInvite"({ stranger }) {
    const { invite } = await stranger.describeInvite({ nonce: await hub.invite() });
    expect(invite?.maxUses).toBe(10_000);
  },
  async "RegistryService.RevokeInvite"({ adminsRegistry, stranger }) {
    const nonce = await hub.invite();
    await adminsRegistry.revokeInvite({ nonce });
    expect((await refusalOf(stranger.describeInvite({ nonce }))).meshCode).toBe(ErrorCode.GONE);
  },
  async "RegistryService.Join"({ stranger, own }) {
    const profile = { description: "new here", status: AgentStatus.BUSY, extraJson: '{"team":7}' };
    const joined = await stranger.join({ nonce: await hub.invite(), agentId: own("carol"), profile });
    expect(joined).toMatchObject({ agentId: own("carol"), hubId: "localhost" });
    expect(joined.apiKey).not.toBe("");
    expect(joined.token).not.toBe("");
  },
  async "RegistryService.Register"({ stranger, alice }) {
    const { token, expiresUnixMs } = await stranger.register({
      agentId: alice.agentId,
      apiKey: alice.apiKey,
    });
    expect(token).not.toBe("");
    expect(Number(expiresUnixMs)).toBeGreaterThan(Date.now());
  },
  async "RegistryService.IssueTicket"({ registry }) {
    const { ticket, expiresUnixMs } = await registry.issueTicket({});
    expect(ticket).toMatch(/^mkt_/);
    expect(Number(expiresUnixMs)).toBeGreaterThan(Date.now());
  },
  async "RegistryService.ListAgents"({ registry, own }) {
    const { agents } = await registry.listAgents({ status: AgentStatus.BUSY, limit: 500 });
    expect(agents.map(({ agentId }) => agentId)).toContain(own("carol"));
    expect(agents.map(({ profile }) => profile?.status)).not.toContain(AgentStatus.AVAILABLE);
  },
  async "RegistryService.GetAgent"({ registry, own }) {
    const { agent } = await registry.getAgent({ agentId: `${own("carol")}@localhost` });
    expect(agent).toMatchObject({ agentId: own("carol"), profile: { description: "new here" } });
    expect(JSON.parse(agent?.profile?.extraJson ?? "")).toEqual({ team: 7 });
  },
  async "RegistryService.UpdateProfile"({ registry }) {
    const set = await registry.updateProfile({
      profile: {
        description: "busy",
        languages: ["de"],
        price: { amount: "0.05", currency: "USD", unit: "word" },
      },
    });
    expect(set.agent?.profile).toMatchObject({
      description: "busy",
      languages: ["de"],
      price: { amount: "0.05" },
    });
    const cleared = await registry.updateProfile({ profile: {}, fields: ["description"] });
    expect(cleared.agent?.profile).toMatchObject({ description: "", languages: ["de"] });
  },
  async "RegistryService.SetReachCredential"({ registry }) {
    const input = { origin: "https://AGENT.test", header: "X-Api-Key", value: "s3cret" };
    const { credential } = await registry.setReachCredential(input);
    expect(credential).toMatchObject({ origin: "https://agent.test", header: "x-api-key" });
    const http = refusalOf(registry.setReachCredential({ ...input, origin: "http://agent.test" }));
    expect((await http).code).toBe(Code.InvalidArgument);
  },
  async "RegistryService.GetReachCredential"({ registry }) {
    const { credential } = await registry.getReachCredential({});
    expect(credential).toMatchObject({ origin: "https://agent.test", header: "x-api-key" });
  },
  async "RegistryService.RemoveReachCredential"({ registry }) {
    await registry.removeReachCredential({});
    expect((await refusalOf(registry.removeReachCredential({}))).code).toBe(Code.NotFound);
  },
  async "RegistryService.SetPlan"({ adminsRegistry, own }) {
    const { agent } = await adminsRegistry.setPlan({ agentId: own("carol"), plan: "pro" });
    expect(agent?.plan).toBe("pro");
  },
  async "RegistryService.AddAccessRule"({ registry, relay, bobsRelay, alice, bob }) {
    await registry.addAccessRule({ rule: { agentId: bob.agentId, mode: AccessMode.BLOCK } });
    expect((await refusalOf(bobsRelay.send({ to: alice.agentId }))).code).toBe(Code.PermissionDenied);
    await relay.send({ to: bob.agentId });
  },
  async "RegistryService.ListAccessRules"({ registry, bob }) {
    const { rules } = await registry.listAccessRules({});
    expect(rules).toMatchObject([{ agentId: bob.agentId, mode: AccessMode.BLOCK }]);
  },
  async "RegistryService.RemoveAccessRule"({ registry, bobsRelay, alice, bob }) {
    await registry.removeAccessRule({ agentId: bob.agentId });
    await bobsRelay.send({ to: alice.agentId });
  },
  async "RegistryService.GetStats"({ registry }) {
    const stats = await registry.getStats({});
    expect(stats.hubId).toBe("localhost");
    expect(Number(stats.messagesAccepted)).toBeGreaterThan(2);
  },
  async "RegistryService.GetNetwork"({ registry, alice, bob }) {
    const { edges } = await registry.getNetwork({});
    expect(edges).toContainEqual(expect.objectContaining({ from: alice.agentId, to: bob.agentId }));
  },
  async "RegistryService.GetContext"({ registry, alice }) {
    const context = await registry.getContext({});
    expect(context).toMatchObject({ hubId: "localhost", you: { agentId: alice.agentId }, plan: "open" });
  },
  async "RegistryService.RotateKey"({ registry, stranger, alice }) {
    const { apiKey, oldKeyExpiresUnixMs } = await registry.rotateKey({});
    expect(Number(oldKeyExpiresUnixMs)).toBeGreaterThan(Date.now());
    await stranger.register({ agentId: alice.agentId, apiKey });
  },
  async "RegistryService.DeleteAgent"({ adminsRegistry, own }) {
    await adminsRegistry.deleteAgent({ agentId: own("carol") });
    expect((await refusalOf(adminsRegistry.getAgent({ agentId: own("carol") }))).code).toBe(Code.NotFound);
  },

  async "OperatorService.GetActivity"({ operator }) {
    const activity = await operator.getActivity({ limit: 5 });
    expect(Number(activity.messagesAccepted)).toBeGreaterThan(2);
    expect(Number(activity.residentBytes)).toBeGreaterThan(10_000_000);
    expect(activity.inboxes.length).toBeLessThanOrEqual(5);
  },
  async "OperatorService.RotateTokenSecret"({ operator, relay }) {
    expect((await operator.rotateTokenSecret({})).kid).not.toBe("");
    await relay.receive({});
  },
  async "OperatorService.ResetAgentKey"({ operator, bobsRelay, stranger, bob }) {
    const { apiKey } = await operator.resetAgentKey({ agentId: bob.agentId });
    expect((await refusalOf(bobsRelay.receive({}))).code).toBe(Code.Unauthenticated);
    await stranger.register({ agentId: bob.agentId, apiKey });
  },
  async "OperatorService.EraseAgent"({ operator, adminsRegistry, bob }) {
    const { messagesErased } = await operator.eraseAgent({ agentId: bob.agentId });
    expect(Number(messagesErased)).toBeGreaterThan(0);
    expect((await refusalOf(adminsRegistry.getAgent({ agentId: bob.agentId }))).code).toBe(Code.NotFound);
  },
  async "OperatorService.CreateBackup"({ operator, own }) {
    const { path, files } = await operator.createBackup({ name: own("backup") });
    expect(path).toContain(own("backup"));
    expect(files.length).toBeGreaterThan(0);
    expect(files.every(({ bytes, sha256 }) => bytes > 0n && /^[0-9a-f]{64}$/.test(sha256))).toBe(true);
  },
};

test("the table has every procedure of every service", () => {
  const declared = SERVICES.flatMap(({ name, methods }) => methods.map((method) => `${name}.${method.name}`));
  expect(Object.keys(CALLS).toSorted()).toEqual(declared.toSorted());
});

describe.each(WIRES.map((wire, index) => ({ ...wire, index })))("over $name", ({ index, ...wire }) => {
  let scene: Scene;
  beforeAll(async () => {
    scene = await sceneOf(wire, index);
  });
  test.each(Object.entries(CALLS))("%s", async (_name, call) => {
    await call(scene);
  });
});
