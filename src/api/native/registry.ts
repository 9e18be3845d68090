import { RegistryService } from "../../gen/meshkore/v1/registry_pb.js";
import { bareAgentId } from "../../model/address.ts";
import type { AccessMode, PlanName } from "../../model/agent.ts";
import { present } from "../../model/present.ts";
import type { RpcService } from "../../ports/rpc.ts";
import { bindService, type HandlersOf } from "./bind.ts";
import {
  countOrAbsent,
  enumFromWord,
  invalidField,
  requiredMessage,
  requiredText,
  textOrAbsent,
  uint64FromNumber,
  wordFromEnum,
} from "./fields.ts";
import type { NativeDeps } from "./native-deps.ts";
import { patchFromFields, patchFromProfile, STATUSES } from "./profile-message.ts";
import {
  messageFromAgent,
  messageFromContext,
  messageFromCredential,
  messageFromInvite,
  messageFromNetwork,
  messageFromStats,
} from "./registry-messages.ts";

/** In the order of registry.proto. */
const ACCESS_MODES: readonly AccessMode[] = ["block", "allow"];
const PLANS: readonly PlanName[] = ["open", "free", "pro"];

type Handlers = HandlersOf<typeof RegistryService>;

/** RegistryService over HubApi. */
export function createRegistryService(deps: NativeDeps): RpcService {
  return bindService(
    RegistryService,
    {
      ...entranceHandlers(deps),
      ...agentHandlers(deps),
      ...reachHandlers(deps),
      ...accessHandlers(deps),
      ...overviewHandlers(deps),
    },
    { registry: deps.api.registry, open: ["describeInvite", "join", "register"] },
  );
}

type EntranceCall =
  | "createInvite"
  | "listInvites"
  | "revokeInvite"
  | "describeInvite"
  | "join"
  | "register"
  | "issueTicket"
  | "rotateKey";

/** Invites, joining by one, keys and tokens. */
function entranceHandlers({ api: { registry } }: NativeDeps): Pick<Handlers, EntranceCall> {
  return {
    async createInvite({ maxUses, expiresInS, capabilities }, call) {
      const bounds = present({ maxUses: countOrAbsent(maxUses), expiresInS: countOrAbsent(expiresInS) });
      return { invite: messageFromInvite(await registry.createInvite(call, { ...bounds, capabilities })) };
    },
    async listInvites(_request, call) {
      return { invites: (await registry.listInvites(call)).map(messageFromInvite) };
    },
    async revokeInvite({ nonce }, call) {
      await registry.revokeInvite(call, requiredNonce(nonce));
      return {};
    },
    async describeInvite({ nonce }, call) {
      return { invite: messageFromInvite(await registry.describeInvite(call, requiredNonce(nonce))) };
    },
    async join(request, call) {
      const joined = await registry.join(call, {
        nonce: requiredNonce(request.nonce),
        agentId: requiredText("agent_id", request.agentId, "the id that you want"),
        ...present({
          publicKey: textOrAbsent(request.publicKey),
          profile: request.profile === undefined ? undefined : patchFromProfile(request.profile),
        }),
      });
      const { agentId, apiKey, token, hubId } = joined;
      return { agentId, apiKey, token, hubId };
    },
    async register(request, call) {
      const agentId = requiredText("agent_id", request.agentId, "your id");
      const apiKey = requiredText("api_key", request.apiKey, "the key that join gave");
      const { token, expiresUnixMs } = await registry.register(call, { agentId, apiKey });
      return { token, expiresUnixMs: uint64FromNumber(expiresUnixMs) };
    },
    async issueTicket(_request, call) {
      const { ticket, expiresUnixMs } = await registry.issueTicket(call);
      return { ticket, expiresUnixMs: uint64FromNumber(expiresUnixMs) };
    },
    async rotateKey({ revokeNow }, call) {
      const { apiKey, oldKeyExpiresUnixMs } = await registry.rotateKey(call, { revokeNow });
      return { apiKey, oldKeyExpiresUnixMs: uint64FromNumber(oldKeyExpiresUnixMs) };
    },
  };
}

type AgentCall = "listAgents" | "getAgent" | "updateProfile" | "setPlan" | "deleteAgent";

/** Agents and what they say of themselves. */
function agentHandlers({ api: { registry }, facts }: NativeDeps): Pick<Handlers, AgentCall> {
  const requiredAgent = (agentId: string): string =>
    bareAgentId(requiredText("agent_id", agentId, "the id of an agent"), facts.hubId);
  return {
    async listAgents(request, call) {
      const page = await registry.listAgents(
        call,
        present({
          capability: textOrAbsent(request.capability),
          query: textOrAbsent(request.query),
          status: wordFromEnum("status", request.status, STATUSES),
          limit: countOrAbsent(request.limit),
          cursor: textOrAbsent(request.cursor),
        }),
      );
      return { agents: page.agents.map(messageFromAgent), cursor: page.cursor ?? "" };
    },
    async getAgent({ agentId }, call) {
      return { agent: messageFromAgent(await registry.getAgent(call, requiredAgent(agentId))) };
    },
    async updateProfile(request, call) {
      const patch = patchFromFields(requiredMessage("profile", request.profile), request.fields);
      return { agent: messageFromAgent(await registry.updateProfile(call, patch)) };
    },
    async setPlan(request, call) {
      const agentId = requiredAgent(request.agentId);
      const plan = PLANS.find((name) => name === request.plan);
      if (plan === undefined) throw invalidField("plan", "is not known", `give one of ${PLANS.join(", ")}`);
      return { agent: messageFromAgent(await registry.setPlan(call, agentId, plan)) };
    },
    async deleteAgent({ agentId }, call) {
      await registry.deleteAgent(call, requiredAgent(agentId));
      return {};
    },
  };
}

type ReachCall = "setReachCredential" | "getReachCredential" | "removeReachCredential";

/** What agents that live elsewhere are shown. */
function reachHandlers({ api: { reach } }: NativeDeps): Pick<Handlers, ReachCall> {
  return {
    async setReachCredential({ origin, header, value }, call) {
      const input = {
        origin: requiredText("origin", origin, "scheme, host and port: https://agent.example"),
        value: requiredText("value", value, "the header's value, such as 'Bearer …'"),
        ...present({ header: textOrAbsent(header) }),
      };
      return { credential: messageFromCredential(await reach.setCredential(call, input)) };
    },
    async getReachCredential(_request, call) {
      return { credential: messageFromCredential(await reach.getCredential(call)) };
    },
    async removeReachCredential(_request, call) {
      await reach.removeCredential(call);
      return {};
    },
  };
}

type AccessCall = "addAccessRule" | "listAccessRules" | "removeAccessRule";

/** Who may reach whom. */
function accessHandlers({ api: { registry }, facts }: NativeDeps): Pick<Handlers, AccessCall> {
  const requiredSubject = (agentId: string): string =>
    bareAgentId(requiredText("agent_id", agentId, "an agent id or agent@hub"), facts.hubId);
  return {
    async addAccessRule(request, call) {
      const rule = requiredMessage("rule", request.rule);
      const mode = wordFromEnum("rule.mode", rule.mode, ACCESS_MODES) ?? "block";
      await registry.addAccessRule(call, { subject: requiredSubject(rule.agentId), mode });
      return {};
    },
    async listAccessRules(_request, call) {
      const rules = await registry.listAccessRules(call);
      return {
        rules: rules.map(({ subject, mode }) => ({
          agentId: subject,
          mode: enumFromWord(mode, ACCESS_MODES),
        })),
      };
    },
    async removeAccessRule({ agentId }, call) {
      await registry.removeAccessRule(call, requiredSubject(agentId));
      return {};
    },
  };
}

type OverviewCall = "getStats" | "getNetwork" | "getContext";

/** What the hub looks like to the caller. */
function overviewHandlers({ api: { overview } }: NativeDeps): Pick<Handlers, OverviewCall> {
  return {
    getStats: async (_request, call) => messageFromStats(await overview.stats(call)),
    getNetwork: async (_request, call) => messageFromNetwork(await overview.network(call)),
    getContext: async (_request, call) => messageFromContext(await overview.context(call)),
  };
}

function requiredNonce(nonce: string): string {
  return requiredText("nonce", nonce, "the nonce of an invite: the last part of its URL");
}
