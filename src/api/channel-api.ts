import type { ChannelView, CreateChannelInput } from "../core/channels.ts";
import type { Call } from "../model/principal.ts";

export type { ChannelView, CreateChannelInput } from "../core/channels.ts";

export interface ChannelApi {
  /** The caller owns it and is in it; `members` are in at once. */
  createChannel(call: Call, input: CreateChannelInput): Promise<ChannelView>;
  /** Channels that the caller may see. */
  listChannels(
    call: Call,
    input: { limit?: number; cursor?: string },
  ): Promise<{ channels: readonly ChannelView[]; cursor: string | undefined }>;
  joinChannel(call: Call, channelId: string): Promise<ChannelView>;
  leaveChannel(call: Call, channelId: string): Promise<void>;
  /** Any member may add others. */
  addChannelMembers(call: Call, channelId: string, members: readonly string[]): Promise<ChannelView>;
  listChannelMembers(
    call: Call,
    channelId: string,
    input: { limit?: number; cursor?: string },
  ): Promise<{ members: readonly string[]; cursor: string | undefined }>;
  /** The owner or the operator. What was sent is still delivered. */
  deleteChannel(call: Call, channelId: string): Promise<void>;
}
