import type { ChannelView } from "../channel-api.ts";
import { type AnswerObject, timeText } from "./answer.ts";

/** A channel as JSON surfaces show it: its id is its name. */
export function jsonFromChannel(channel: ChannelView): AnswerObject {
  return {
    id: channel.channelId,
    name: channel.channelId,
    owner: channel.ownerId,
    description: channel.description,
    private: channel.isPrivate,
    member_count: channel.memberCount,
    is_member: channel.isMember,
    created_at: timeText(channel.createdUnixMs),
  };
}
