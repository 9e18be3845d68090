export interface ChannelRecord {
  readonly channelId: string;
  readonly ownerId: string;
  readonly description: string;
  readonly isPrivate: boolean;
  readonly createdUnixMs: number;
  readonly memberCount: number;
}

/** Channels and their members. Every write is durable when it answers. */
export interface ChannelStore {
  /** False when the name is taken; a deleted channel's name stays taken. The owner is among `members`. */
  create(channel: Omit<ChannelRecord, "memberCount">, members: readonly string[]): Promise<boolean>;
  find(channelId: string): Promise<ChannelRecord | undefined>;
  /** In order of id: those that are not private, and those that `memberId` is in; all when it is undefined. */
  list(memberId: string | undefined, afterId: string, limit: number): Promise<readonly ChannelRecord[]>;
  /** Members in order of id, after `afterId`. */
  members(channelId: string, afterId: string, limit: number): Promise<readonly string[]>;
  /**
   * Adds, then removes; members that are (not) there already are skipped.
   * @throws MeshError not_found when there is no such channel, or no more
   */
  changeMembers(channelId: string, add: readonly string[], remove: readonly string[]): Promise<void>;
  /**
   * Nobody finds or joins it any more, and its name stays taken. `members` still tells who was in it, so that what
   * was sent before is still brought to them.
   */
  remove(channelId: string): Promise<void>;
  /** Channels of the owner; all when it is undefined. */
  countOwned(ownerId: string | undefined): Promise<number>;
}
