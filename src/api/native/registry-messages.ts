import type { MessageInitShape } from "@bufbuild/protobuf";
import type {
  AgentSchema,
  GetContextResponseSchema,
  GetNetworkResponseSchema,
  GetStatsResponseSchema,
  InviteSchema,
  ReachCredentialSchema,
} from "../../gen/meshkore/v1/registry_pb.js";
import type { AgentView } from "../../model/agent.ts";
import type { HubContext, HubNetwork, HubStats } from "../overview-api.ts";
import type { ReachCredentialView } from "../reach-api.ts";
import type { InviteView } from "../registry-api.ts";
import { messageFromChannel } from "./channels.ts";
import { uint64FromNumber } from "./fields.ts";
import { messageFromProfile } from "./profile-message.ts";

export function messageFromAgent(agent: AgentView): MessageInitShape<typeof AgentSchema> {
  return {
    agentId: agent.agentId,
    profile: messageFromProfile(agent.profile),
    online: agent.online,
    createdUnixMs: uint64FromNumber(agent.createdUnixMs),
    publicKey: agent.publicKey ?? "",
    plan: agent.plan ?? "",
  };
}

export function messageFromInvite(invite: InviteView): MessageInitShape<typeof InviteSchema> {
  return {
    nonce: invite.nonce,
    url: invite.url,
    expiresUnixMs: uint64FromNumber(invite.expiresUnixMs),
    maxUses: invite.maxUses,
    uses: invite.uses,
    capabilities: [...invite.capabilities],
    createdBy: invite.createdBy,
  };
}

export function messageFromCredential(
  credential: ReachCredentialView,
): MessageInitShape<typeof ReachCredentialSchema> {
  const { origin, header, setUnixMs } = credential;
  return { origin, header, setUnixMs: uint64FromNumber(setUnixMs) };
}

export function messageFromStats(stats: HubStats): MessageInitShape<typeof GetStatsResponseSchema> {
  return {
    agents: uint64FromNumber(stats.agents),
    online: uint64FromNumber(stats.online),
    channels: uint64FromNumber(stats.channels),
    messagesAccepted: uint64FromNumber(stats.messagesAccepted),
    bytesAccepted: uint64FromNumber(stats.bytesAccepted),
    uptimeS: uint64FromNumber(stats.uptimeS),
    hubId: stats.hubId,
    version: stats.version,
  };
}

export function messageFromNetwork(network: HubNetwork): MessageInitShape<typeof GetNetworkResponseSchema> {
  return {
    agents: uint64FromNumber(network.agents),
    online: uint64FromNumber(network.online),
    messages: uint64FromNumber(network.messages),
    edges: network.edges.map(({ from, to, messages, lastUnixMs }) => ({
      from,
      to,
      messages: uint64FromNumber(messages),
      lastUnixMs: uint64FromNumber(lastUnixMs),
    })),
  };
}

export function messageFromContext(context: HubContext): MessageInitShape<typeof GetContextResponseSchema> {
  const { perMinute, maxPayloadBytes, plan } = context.limits;
  return {
    hubId: context.hubId,
    you: messageFromAgent(context.you),
    unread: uint64FromNumber(context.unread),
    cursor: context.cursor,
    agents: context.agents.map(messageFromAgent),
    channels: context.channels.map(messageFromChannel),
    messagesPerMinute: perMinute,
    maxPayloadBytes,
    plan,
  };
}
