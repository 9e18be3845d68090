import type { ChannelService } from "../../../src/gen/meshkore/v1/channels_pb.js";
import type { OperatorService } from "../../../src/gen/meshkore/v1/operator_pb.js";
import type { RegistryService } from "../../../src/gen/meshkore/v1/registry_pb.js";
import type { RelayService, SessionRequest } from "../../../src/gen/meshkore/v1/relay_pb.js";
import type { TaskService } from "../../../src/gen/meshkore/v1/tasks_pb.js";

/** Who may call. The tests call every row as everybody, over every wire, and docs/authorization.md is made of it. */
export type Who =
  /** Whoever comes: no token is asked for, or looked at. */
  | "open"
  /** The operator, and whoever shows no token at an address that the operator named. */
  | "open_or_admin"
  /** Any agent and the operator. */
  | "known"
  /** Agents, about what is their own; the operator is none. */
  | "agent"
  /** The agent or the owner of what it is about. */
  | "owner"
  /** The same, or the operator. */
  | "owner_or_admin"
  /** The operator alone. */
  | "admin";

export interface Rule {
  readonly who: Who;
  /** What another agent is told about what is not its own. `not_found`: it is as if it were not there. */
  readonly others?: "permission_denied" | "not_found";
  /** Right callers are told that it is not built yet. */
  readonly unbuilt?: true;
  /** What right callers are told when it cannot be done in the hub of the tests. */
  readonly right?: "invalid_argument";
}

type Rules<Names extends PropertyKey> = { readonly [Name in Names]: Rule };
type MethodsOf<Service extends { readonly method: object }> = Rules<keyof Service["method"]>;

const open: Rule = { who: "open" };
const known: Rule = { who: "known" };
const agent: Rule = { who: "agent" };
const admin: Rule = { who: "admin" };
const unbuilt: Rule = { who: "open", unbuilt: true };
const hidden = "not_found" as const;
const denied = "permission_denied" as const;

/** Of the OpenAPI document that the hub gives: a route without a row fails the test. */
export const REST: Readonly<Record<string, Rule>> = {
  "POST /invites": { who: "owner_or_admin", others: denied },
  "GET /invites": known,
  "DELETE /invites/{nonce}": { who: "owner_or_admin", others: hidden },
  "GET /join/{nonce}": open,
  "POST /join/{nonce}": open,
  "POST /register": open,
  "POST /keys/rotate": agent,
  "POST /tickets": agent,

  "GET /agents": known,
  "GET /agents/{id}": { who: "owner_or_admin", others: hidden },
  "DELETE /agents/{id}": { who: "owner_or_admin", others: denied },
  "PUT /agents/{id}/plan": admin,
  "PATCH /profile": agent,
  "PUT /profile/reach/credential": agent,
  "GET /profile/reach/credential": agent,
  "DELETE /profile/reach/credential": agent,
  "POST /blocks": agent,
  "GET /blocks": agent,
  "DELETE /blocks/{agent}": { who: "owner", others: hidden },

  "POST /send": agent,
  "GET /messages": agent,
  "GET /messages/stream": agent,
  "GET /messages/dead": agent,
  "POST /messages/ack": agent,
  "GET /messages/{id}/status": { who: "owner", others: hidden },
  "POST /messages/{id}/processed": { who: "owner", others: hidden },
  "POST /messages/{id}/redrive": { who: "owner", others: hidden },
  "GET /history/{peer}": { who: "owner", others: hidden },

  "POST /channels": agent,
  "GET /channels": known,
  "DELETE /channels/{id}": { who: "owner_or_admin", others: hidden },
  "POST /channels/{id}/join": { who: "owner", others: hidden },
  "POST /channels/{id}/leave": { who: "owner", others: hidden },
  "GET /channels/{id}/members": { who: "owner_or_admin", others: hidden },
  "POST /channels/{id}/members": { who: "owner", others: hidden },
  "POST /channels/{id}/send": { who: "owner", others: hidden },
  "GET /channels/{id}/history": { who: "owner", others: hidden },

  "GET /stats": known,
  "GET /network": known,
  "GET /context": agent,
  "GET /openapi.json": open,
  "GET /docs": open,
  "GET /healthz": open,
  "GET /readyz": open,
  "GET /metrics": { who: "open_or_admin" },

  "POST /tasks": agent,
  "GET /tasks": agent,
  "GET /tasks/{id}": { who: "owner", others: hidden },
  "POST /tasks/{id}/messages": { who: "owner", others: hidden },
  "POST /tasks/{id}/cancel": { who: "owner", others: hidden },
  "GET /tasks/{id}/events": { who: "owner", others: hidden },

  "POST /discover": unbuilt,
  "POST /services": unbuilt,
  "GET /services": unbuilt,
  "GET /services/{id}": unbuilt,
};

/** Of the service descriptors: a method without a row does not compile. The same over gRPC, Connect and gRPC-Web. */
export const RPC: {
  readonly RelayService: MethodsOf<typeof RelayService>;
  readonly ChannelService: MethodsOf<typeof ChannelService>;
  readonly TaskService: MethodsOf<typeof TaskService>;
  readonly RegistryService: MethodsOf<typeof RegistryService>;
  readonly OperatorService: MethodsOf<typeof OperatorService>;
} = {
  RelayService: {
    session: agent,
    attach: agent,
    send: agent,
    sendAndWait: agent,
    receive: agent,
    acknowledge: agent,
    getMessageStatus: { who: "owner", others: hidden },
    markProcessed: { who: "owner", others: hidden },
    listHistory: { who: "owner", others: hidden },
    listDeadMessages: agent,
    redrive: { who: "owner", others: hidden },
  },
  ChannelService: {
    createChannel: agent,
    listChannels: known,
    joinChannel: { who: "owner", others: hidden },
    leaveChannel: { who: "owner", others: hidden },
    addChannelMembers: { who: "owner", others: hidden },
    listChannelMembers: { who: "owner_or_admin", others: hidden },
    deleteChannel: { who: "owner_or_admin", others: hidden },
  },
  TaskService: {
    createTask: agent,
    getTask: { who: "owner", others: hidden },
    listTasks: agent,
    sendTaskMessage: { who: "owner", others: hidden },
    updateTask: { who: "owner", others: hidden },
    cancelTask: { who: "owner", others: hidden },
    subscribeTask: { who: "owner", others: hidden },
  },
  RegistryService: {
    createInvite: { who: "owner_or_admin", others: denied },
    listInvites: known,
    revokeInvite: { who: "owner_or_admin", others: hidden },
    describeInvite: open,
    join: open,
    register: open,
    issueTicket: agent,
    rotateKey: agent,
    listAgents: known,
    getAgent: { who: "owner_or_admin", others: hidden },
    updateProfile: agent,
    setReachCredential: agent,
    getReachCredential: agent,
    removeReachCredential: agent,
    setPlan: admin,
    deleteAgent: { who: "owner_or_admin", others: denied },
    addAccessRule: agent,
    listAccessRules: agent,
    removeAccessRule: { who: "owner", others: hidden },
    getStats: known,
    getNetwork: known,
    getContext: agent,
  },
  OperatorService: {
    getActivity: admin,
    // The tests sign tokens of their own: their hub's secret is configured.
    rotateTokenSecret: { who: "admin", right: "invalid_argument" },
    resetAgentKey: admin,
    eraseAgent: admin,
    createBackup: admin,
  },
};

/** Of the fields of a session's frame: one without a row does not compile. */
export const FRAMES: Rules<Exclude<keyof SessionRequest, "$typeName" | "$unknown">> = {
  hello: agent,
  send: agent,
  ack: agent,
  flow: agent,
  ping: agent,
};
