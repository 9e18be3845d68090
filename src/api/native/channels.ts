import type { MessageInitShape } from "@bufbuild/protobuf";
import { type ChannelSchema, ChannelService } from "../../gen/meshkore/v1/channels_pb.js";
import { bareChannelId } from "../../model/address.ts";
import { present } from "../../model/present.ts";
import type { RpcService } from "../../ports/rpc.ts";
import type { ChannelView } from "../channel-api.ts";
import { bindService } from "./bind.ts";
import { countOrAbsent, invalidField, requiredText, textOrAbsent, uint64FromNumber } from "./fields.ts";
import type { NativeDeps } from "./native-deps.ts";

/** ChannelService over HubApi. */
export function createChannelService({ api }: NativeDeps): RpcService {
  const { channels, registry } = api;
  return bindService(
    ChannelService,
    {
      async createChannel(request, call) {
        const name = bareChannelId(requiredText("name", request.name, "a lower-case name"));
        const { members, description } = request;
        const input = {
          name,
          members,
          ...present({
            description: textOrAbsent(description),
            isPrivate: request.private ? true : undefined,
          }),
        };
        return { channel: messageFromChannel(await channels.createChannel(call, input)) };
      },
      async listChannels({ limit, cursor }, call) {
        const page = await channels.listChannels(call, pageFrom(limit, cursor));
        return { channels: page.channels.map(messageFromChannel), cursor: page.cursor ?? "" };
      },
      async joinChannel({ channelId }, call) {
        return { channel: messageFromChannel(await channels.joinChannel(call, requiredChannel(channelId))) };
      },
      async leaveChannel({ channelId }, call) {
        await channels.leaveChannel(call, requiredChannel(channelId));
        return {};
      },
      async addChannelMembers({ channelId, members }, call) {
        const id = requiredChannel(channelId);
        if (members.length === 0) throw invalidField("members", "is empty", "name at least one agent");
        return { channel: messageFromChannel(await channels.addChannelMembers(call, id, members)) };
      },
      async listChannelMembers({ channelId, limit, cursor }, call) {
        const id = requiredChannel(channelId);
        const page = await channels.listChannelMembers(call, id, pageFrom(limit, cursor));
        return { members: [...page.members], cursor: page.cursor ?? "" };
      },
      async deleteChannel({ channelId }, call) {
        await channels.deleteChannel(call, requiredChannel(channelId));
        return {};
      },
    },
    { registry },
  );
}

export function messageFromChannel(channel: ChannelView): MessageInitShape<typeof ChannelSchema> {
  return {
    id: channel.channelId,
    owner: channel.ownerId,
    description: channel.description,
    memberCount: channel.memberCount,
    private: channel.isPrivate,
    createdUnixMs: uint64FromNumber(channel.createdUnixMs),
    member: channel.isMember,
  };
}

function pageFrom(limit: number, cursor: string) {
  return present({ limit: countOrAbsent(limit), cursor: textOrAbsent(cursor) });
}

function requiredChannel(channelId: string): string {
  return bareChannelId(requiredText("channel_id", channelId, "the name of a channel"));
}
