import type { Channels } from "../core/channels.ts";
import { type Call, requireAgent, requireKnown } from "../model/principal.ts";
import type { ChannelApi } from "./channel-api.ts";

/** Binds the channels to their callers. The operator may look at all and delete, but is in none. */
export function createChannelApi(channels: Channels): ChannelApi {
  return {
    createChannel: async (call, input) => channels.create(requireAgent(call.principal).agentId, input),
    listChannels: async (call, input) => channels.list(agentOrOperator(call), input),
    joinChannel: async (call, channelId) => channels.join(requireAgent(call.principal).agentId, channelId),
    leaveChannel: async (call, channelId) => channels.leave(requireAgent(call.principal).agentId, channelId),
    addChannelMembers: async (call, channelId, members) =>
      channels.addMembers(requireAgent(call.principal).agentId, channelId, members),
    listChannelMembers: async (call, channelId, input) =>
      channels.members(agentOrOperator(call), channelId, input),
    deleteChannel: async (call, channelId) => channels.remove(agentOrOperator(call), channelId),
  };
}

/** Undefined for the operator. @throws MeshError unauthenticated */
function agentOrOperator(call: Call): string | undefined {
  requireKnown(call.principal);
  return call.principal.kind === "agent" ? call.principal.agentId : undefined;
}
