import { AccessMode } from "../../../src/gen/meshkore/v1/registry_pb.js";
import { TaskState } from "../../../src/gen/meshkore/v1/tasks_pb.js";
import { fresh, type Stage } from "./stage.ts";
import type { RPC } from "./table.ts";

export type Fields = Readonly<Record<string, unknown>>;

/** A right request: refused only for who makes it. */
export type Build = (stage: Stage) => Fields | Promise<Fields>;

type Builds<Table> = {
  readonly [Service in keyof Table]: { readonly [Name in keyof Table[Service]]: Build };
};

const fields =
  (value: Fields = {}): Build =>
  () =>
    value;
const ofOwner: Build = ({ owner }) => ({ agentId: owner.agentId });
const ofChannel: Build = async (stage) => ({ channelId: await stage.channel() });
const withCredential: Build = async (stage) => {
  await stage.credential();
  return {};
};
const toPeer = ({ peer }: Stage) => ({ to: peer.agentId, payload: Buffer.from("1"), noReceipts: true });

const MESSAGE = { parts: [{ content: { case: "text", value: "do it" } }] };

/** How each row of the table is called, about things of the owner's. One that is missing does not compile. */
export const RPC_CALLS: Builds<typeof RPC> = {
  RelayService: {
    session: fields({ ping: 1n }),
    attach: fields(),
    send: toPeer,
    sendAndWait: (stage) => ({ send: toPeer(stage), waitMs: 1 }),
    receive: async (stage) => ({ limit: (await stage.received()).length, manualAck: true }),
    acknowledge: fields({ cursor: "1-0" }),
    getMessageStatus: async (stage) => ({ messageId: await stage.sent() }),
    markProcessed: async (stage) => ({ messageId: await stage.received() }),
    listHistory: async (stage) => ({ peer: `#${await stage.channel()}` }),
    listDeadMessages: async (stage) => ({ limit: (await stage.dead()).length }),
    redrive: async (stage) => ({ messageId: await stage.dead() }),
  },
  ChannelService: {
    createChannel: () => ({ name: fresh("new-room") }),
    listChannels: async (stage) => ({ limit: (await stage.channel()).length }),
    joinChannel: ofChannel,
    leaveChannel: ofChannel,
    addChannelMembers: async (stage) => ({
      channelId: await stage.channel(),
      members: [stage.other.agentId],
    }),
    listChannelMembers: ofChannel,
    deleteChannel: ofChannel,
  },
  TaskService: {
    createTask: ({ peer }) => ({ to: peer.agentId, message: MESSAGE }),
    getTask: async (stage) => ({ taskId: await stage.given() }),
    listTasks: async (stage) => ({ limit: (await stage.given()).length }),
    sendTaskMessage: async (stage) => ({ taskId: await stage.given(), message: MESSAGE }),
    updateTask: async (stage) => ({ taskId: await stage.taken(), status: { state: TaskState.WORKING } }),
    cancelTask: async (stage) => ({ taskId: await stage.given() }),
    subscribeTask: async (stage) => ({ taskId: await stage.given() }),
  },
  RegistryService: {
    createInvite: fields(),
    listInvites: fields(),
    revokeInvite: async (stage) => ({ nonce: await stage.invite() }),
    describeInvite: async (stage) => ({ nonce: await stage.invite() }),
    join: async (stage) => ({ nonce: await stage.invite(), agentId: fresh("joined") }),
    register: ({ owner }) => ({ agentId: owner.agentId, apiKey: owner.apiKey }),
    issueTicket: fields(),
    rotateKey: fields(),
    listAgents: fields({ limit: 500 }),
    getAgent: ofOwner,
    updateProfile: fields({ profile: { region: "moon" } }),
    setReachCredential: fields({ origin: "https://agent.test", value: "Bearer secret" }),
    getReachCredential: withCredential,
    removeReachCredential: withCredential,
    setPlan: ({ owner }) => ({ agentId: owner.agentId, plan: "pro" }),
    deleteAgent: ofOwner,
    addAccessRule: fields({ rule: { agentId: "spammer", mode: AccessMode.BLOCK } }),
    listAccessRules: fields(),
    removeAccessRule: async (stage) => ({ agentId: await stage.rule() }),
    getStats: fields(),
    getNetwork: fields(),
    getContext: fields(),
  },
  OperatorService: {
    getActivity: fields(),
    rotateTokenSecret: fields(),
    resetAgentKey: ofOwner,
    eraseAgent: ofOwner,
    createBackup: () => ({ name: fresh("backup") }),
  },
};
