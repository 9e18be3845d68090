import { isId } from "../model/address.ts";
import { MeshError } from "../model/errors.ts";
import type { ChannelRecord, ChannelStore } from "../ports/channel-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Directory } from "../ports/directory.ts";
import { PLANS } from "./admission.ts";
import { clampLimit } from "./bounds.ts";
import { mayReach } from "./routes.ts";

const DEFAULT_LIMIT = 100;
const MAX_DESCRIPTION_LENGTH = 2000;

export interface ChannelView {
  readonly channelId: string;
  readonly ownerId: string;
  readonly description: string;
  readonly isPrivate: boolean;
  readonly memberCount: number;
  readonly createdUnixMs: number;
  /** The caller is in it. */
  readonly isMember: boolean;
}

export interface ChannelsDeps {
  readonly store: ChannelStore;
  readonly directory: Directory;
  readonly clock: Clock;
  readonly maxMembers: number;
  /** Called after members or the channel itself changed. */
  readonly onChange: () => void;
}

export interface CreateChannelInput {
  readonly name: string;
  readonly members?: readonly string[];
  readonly description?: string;
  readonly isPrivate?: boolean;
}

/** Named groups. A private channel does not exist for those who neither own it nor are in it. */
export class Channels {
  readonly #deps: ChannelsDeps;
  /** Channels that each agent is making right now, so that many at once do not pass its plan together. */
  readonly #creating = new Map<string, number>();

  constructor(deps: ChannelsDeps) {
    this.#deps = deps;
  }

  /** The agent owns it and is in it. @throws MeshError invalid_argument, quota_exceeded, already_exists, not_found */
  async create(agentId: string, input: CreateChannelInput): Promise<ChannelView> {
    checkNewChannel(input);
    const members = [...new Set([agentId, ...(input.members ?? [])])];
    this.#checkSize(members.length);
    const creating = this.#creating.get(agentId) ?? 0;
    this.#creating.set(agentId, creating + 1);
    try {
      await this.#checkPlan(agentId, creating);
      await this.#checkCandidates(agentId, members);
      return await this.#createNow(agentId, input, members);
    } finally {
      const left = (this.#creating.get(agentId) ?? 1) - 1;
      if (left > 0) this.#creating.set(agentId, left);
      else this.#creating.delete(agentId);
    }
  }

  async #createNow(
    agentId: string,
    input: CreateChannelInput,
    members: readonly string[],
  ): Promise<ChannelView> {
    const channel = {
      channelId: input.name,
      ownerId: agentId,
      description: input.description ?? "",
      isPrivate: input.isPrivate ?? false,
      createdUnixMs: this.#deps.clock.nowUnixMs(),
    };
    if (!(await this.#deps.store.create(channel, members))) {
      throw new MeshError("already_exists", `the channel name ${input.name} is taken`, {
        hint: "choose another",
      });
    }
    this.#deps.onChange();
    return { ...channel, memberCount: members.length, isMember: true };
  }

  /** Those that the agent may see; `agentId` undefined: the operator, here and below. */
  async list(
    agentId: string | undefined,
    input: { limit?: number; cursor?: string },
  ): Promise<{ channels: readonly ChannelView[]; cursor: string | undefined }> {
    const limit = clampLimit(input.limit, DEFAULT_LIMIT);
    const page = await this.#deps.store.list(agentId, input.cursor ?? "", limit);
    const channels = await Promise.all(page.map((channel) => this.#view(agentId, channel)));
    return { channels, cursor: page.length === limit ? page.at(-1)?.channelId : undefined };
  }

  async join(agentId: string, channelId: string): Promise<ChannelView> {
    const channel = await this.#visible(agentId, channelId);
    if (!(await this.#isMember(agentId, channelId))) {
      this.#checkSize(channel.memberCount + 1);
      await this.#deps.store.changeMembers(channelId, [agentId], []);
    }
    return this.#changed(agentId, channelId);
  }

  async leave(agentId: string, channelId: string): Promise<void> {
    await this.#visible(agentId, channelId);
    await this.#deps.store.changeMembers(channelId, [], [agentId]);
    this.#deps.onChange();
  }

  /** @throws MeshError permission_denied unless the agent is a member, or when a candidate has blocked it */
  async addMembers(agentId: string, channelId: string, members: readonly string[]): Promise<ChannelView> {
    await this.checkMember(agentId, channelId);
    const channel = await this.#visible(agentId, channelId);
    const wanted = [...new Set(members)];
    this.#checkSize(channel.memberCount + wanted.length);
    await this.#checkCandidates(agentId, wanted);
    await this.#deps.store.changeMembers(channelId, wanted, []);
    return this.#changed(agentId, channelId);
  }

  async members(
    agentId: string | undefined,
    channelId: string,
    input: { limit?: number; cursor?: string },
  ): Promise<{ members: readonly string[]; cursor: string | undefined }> {
    if (agentId === undefined) await this.#visible(undefined, channelId);
    else await this.checkMember(agentId, channelId);
    const limit = clampLimit(input.limit, DEFAULT_LIMIT);
    const members = await this.#deps.store.members(channelId, input.cursor ?? "", limit);
    return { members, cursor: members.length === limit ? members.at(-1) : undefined };
  }

  /** The owner or the operator. */
  async remove(agentId: string | undefined, channelId: string): Promise<void> {
    const channel = await this.#visible(agentId, channelId);
    if (agentId !== undefined && channel.ownerId !== agentId) {
      throw new MeshError("permission_denied", "only its owner deletes a channel", {
        hint: "leave it instead",
      });
    }
    await this.#deps.store.remove(channelId);
    this.#deps.onChange();
  }

  /** @throws MeshError not_found, permission_denied unless the agent is a member */
  async checkMember(agentId: string, channelId: string): Promise<void> {
    await this.#visible(agentId, channelId);
    if (await this.#isMember(agentId, channelId)) return;
    throw new MeshError("permission_denied", `you are not in #${channelId}`, { hint: "join it first" });
  }

  async #isMember(agentId: string, channelId: string): Promise<boolean> {
    // The page after the id's predecessor starts with the id itself, if it is there.
    const [first] = await this.#deps.store.members(channelId, predecessor(agentId), 1);
    return first === agentId;
  }

  async #visible(agentId: string | undefined, channelId: string): Promise<ChannelRecord> {
    const channel = isId(channelId) ? await this.#deps.store.find(channelId) : undefined;
    const mustBeMember = channel?.isPrivate === true && agentId !== undefined && agentId !== channel.ownerId;
    if (channel === undefined || (mustBeMember && !(await this.#isMember(agentId, channelId)))) {
      throw new MeshError("not_found", "no such channel", {
        hint: "GET /channels lists those that you may see",
      });
    }
    return channel;
  }

  async #view(agentId: string | undefined, channel: ChannelRecord): Promise<ChannelView> {
    return {
      ...channel,
      isMember: agentId !== undefined && (await this.#isMember(agentId, channel.channelId)),
    };
  }

  async #changed(agentId: string, channelId: string): Promise<ChannelView> {
    this.#deps.onChange();
    return this.#view(agentId, await this.#visible(agentId, channelId));
  }

  /** Those who may be put into a channel by the agent: they exist and have not blocked it. */
  async #checkCandidates(agentId: string, members: readonly string[]): Promise<void> {
    const { directory } = this.#deps;
    for (const member of members) {
      const known = isId(member) ? await directory.lookup(member) : undefined;
      if (known === undefined) {
        throw new MeshError("not_found", `no agent named ${member.slice(0, 80)}`, {
          hint: "members are local agent ids",
        });
      }
      if (member !== agentId && !mayReach(await directory.rules(member), agentId)) {
        throw new MeshError("permission_denied", `${member} does not want to be added by you`, {
          hint: "ask it to join by itself",
        });
      }
    }
  }

  #checkSize(count: number): void {
    if (count <= this.#deps.maxMembers) return;
    throw new MeshError("too_large", `a channel has at most ${this.#deps.maxMembers} members`, {
      hint: "make a second channel",
    });
  }

  async #checkPlan(agentId: string, creating: number): Promise<void> {
    const agent = await this.#deps.directory.lookup(agentId);
    const { ownedChannels } = PLANS[agent?.plan ?? "open"];
    if (!Number.isFinite(ownedChannels)) return;
    if ((await this.#deps.store.countOwned(agentId)) + creating < ownedChannels) return;
    throw new MeshError("quota_exceeded", `the plan allows ${ownedChannels} channels`, {
      hint: "delete one, or ask the operator for another plan",
    });
  }
}

function checkNewChannel(input: CreateChannelInput): void {
  if (!isId(input.name)) {
    throw new MeshError("invalid_argument", "a channel's name follows the rules of agent ids", {
      hint: "lower-case letters, digits and inner hyphens, at most 63",
    });
  }
  if ((input.description?.length ?? 0) > MAX_DESCRIPTION_LENGTH) {
    throw new MeshError(
      "invalid_argument",
      `a description has at most ${MAX_DESCRIPTION_LENGTH} characters`,
      {
        hint: "put what is long into a message",
      },
    );
  }
}

/** A text that sorts right before the id, and behind every shorter or smaller one that is an id. */
function predecessor(id: string): string {
  const lastCode = id.charCodeAt(id.length - 1);
  return `${id.slice(0, -1)}${String.fromCharCode(lastCode - 1)}\u{ffff}`;
}
