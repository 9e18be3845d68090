import { type AgentRecord, DEFAULT_PROFILE } from "../../src/model/agent.ts";
import { MeshError } from "../../src/model/errors.ts";
import type { AccessRule, AccessStore } from "../../src/ports/access-store.ts";
import type { AgentStore } from "../../src/ports/agent-store.ts";
import type { ChannelRecord, ChannelStore } from "../../src/ports/channel-store.ts";
import type { InviteRecord, InviteStore } from "../../src/ports/invite-store.ts";
import type { KeyRecord, KeyStore, OlderSecrets, SecretRecord } from "../../src/ports/key-store.ts";
import type { OutcomeRecord, OutcomeStore } from "../../src/ports/outcome-store.ts";
import type { PushRecord } from "../../src/ports/push-store.ts";
import type { ReachCredentialRecord } from "../../src/ports/reach-credential-store.ts";
import type { ReachRecord, RemoteTaskRecord } from "../../src/ports/reach-store.ts";
import type { Stores } from "../../src/ports/stores.ts";
import type { TaskStore } from "../../src/ports/task-store.ts";
import type { EdgeRecord, TrafficStore } from "../../src/ports/traffic-store.ts";
import { createMemoryPushes } from "./memory-pushes.ts";
import { createMemoryReachCredentials, createMemoryReaches } from "./memory-reaches.ts";
import { createMemoryTaskStore } from "./memory-task-store.ts";

interface Tables {
  readonly agents: Map<string, AgentRecord>;
  readonly invites: Map<string, InviteRecord>;
  readonly keys: Map<string, KeyRecord>;
  readonly secrets: SecretRecord[];
  readonly access: Map<string, Map<string, AccessRule>>;
  readonly channels: Map<string, Omit<ChannelRecord, "memberCount">>;
  readonly channelNames: Set<string>;
  readonly members: Map<string, Set<string>>;
  readonly outcomes: Map<string, OutcomeRecord>;
  readonly pushes: Map<string, PushRecord>;
  readonly reaches: Map<string, ReachRecord>;
  readonly reachCredentials: Map<string, ReachCredentialRecord>;
  readonly remoteTasks: Map<string, RemoteTaskRecord>;
  readonly edges: Map<string, EdgeRecord>;
  readonly months: Map<string, number>;
}

/** All store ports in memory: the shortest code that keeps their promises, except that nothing is durable. */
export function createMemoryStores(): Stores {
  const tables: Tables = {
    agents: new Map(),
    invites: new Map(),
    keys: new Map(),
    secrets: [],
    access: new Map(),
    channels: new Map(),
    channelNames: new Set(),
    members: new Map(),
    outcomes: new Map(),
    pushes: new Map(),
    reaches: new Map(),
    reachCredentials: new Map(),
    remoteTasks: new Map(),
    edges: new Map(),
    months: new Map(),
  };
  const isLiving = (agentId: string): boolean =>
    tables.agents.get(agentId)?.deletedUnixMs === undefined && tables.agents.has(agentId);
  return {
    agents: agentStore(tables),
    invites: inviteStore(tables),
    keys: keyStore(tables),
    access: accessStore(tables),
    channels: channelStore(tables),
    outcomes: outcomeStore(tables),
    tasks: withoutPushes(createMemoryTaskStore(), tables),
    pushes: createMemoryPushes(tables.pushes),
    reaches: createMemoryReaches({ ...tables, isLiving }),
    reachCredentials: createMemoryReachCredentials(tables.reachCredentials, isLiving),
    traffic: trafficStore(tables),
  };
}

function withoutPushes(tasks: TaskStore, { pushes, remoteTasks }: Tables): TaskStore {
  return {
    ...tasks,
    async remove(taskIds) {
      for (const [name, push] of pushes) if (taskIds.includes(push.taskId)) pushes.delete(name);
      for (const taskId of taskIds) remoteTasks.delete(taskId);
      await tasks.remove(taskIds);
    },
  };
}

/** Like every other store: refused when nobody living has the id. */
function livingAgent({ agents }: Pick<Tables, "agents">, agentId: string): AgentRecord {
  const agent = agents.get(agentId);
  if (agent !== undefined && agent.deletedUnixMs === undefined) return agent;
  throw new MeshError("not_found", `there is no agent ${agentId}`);
}

function refuseTwice(isThere: boolean): void {
  if (isThere) throw new MeshError("already_exists", "the store has this already");
}

function byId(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function agentStore(tables: Tables): AgentStore {
  const { agents, keys, access, members, pushes, reaches, reachCredentials } = tables;
  const living = (): AgentRecord[] =>
    [...agents.values()].filter((agent) => agent.deletedUnixMs === undefined);
  const change = (agentId: string, fields: Partial<AgentRecord>): void => {
    agents.set(agentId, { ...livingAgent({ agents }, agentId), ...fields });
  };
  return {
    find: async (agentId) => agents.get(agentId),
    list: async (afterId, limit) =>
      living()
        .filter((agent) => agent.agentId > afterId)
        .sort((a, b) => byId(a.agentId, b.agentId))
        .slice(0, limit),
    count: async () => living().length,
    setProfile: async (agentId, profile) => change(agentId, { profile }),
    setPlan: async (agentId, plan) => change(agentId, { plan }),
    async remove(agentId, atUnixMs) {
      if (!living().some((agent) => agent.agentId === agentId)) return;
      change(agentId, {
        deletedUnixMs: atUnixMs,
        profile: { ...DEFAULT_PROFILE, status: "away", visibility: "hidden" },
      });
      for (const [hash, key] of keys) if (key.agentId === agentId) keys.delete(hash);
      for (const group of members.values()) group.delete(agentId);
      access.delete(agentId);
      reaches.delete(agentId);
      reachCredentials.delete(agentId);
      for (const [name, push] of pushes) if (push.ownerId === agentId) pushes.delete(name);
    },
  };
}

function inviteStore({ agents, invites, keys }: Tables): InviteStore {
  return {
    async create(invite) {
      refuseTwice(invites.has(invite.nonce));
      invites.set(invite.nonce, invite);
    },
    find: async (nonce) => invites.get(nonce),
    list: async (createdBy) =>
      [...invites.values()]
        .filter((invite) => createdBy === undefined || invite.createdBy === createdBy)
        .reverse()
        .sort((a, b) => b.createdUnixMs - a.createdUnixMs)
        .slice(0, 1_000),
    async revoke(nonce) {
      const invite = invites.get(nonce);
      if (invite !== undefined) invites.set(nonce, { ...invite, revoked: true });
    },
    async join(nonce, agent, keyHash, nowUnixMs) {
      const invite = invites.get(nonce);
      if (invite === undefined) return "unknown_nonce";
      if (invite.revoked || invite.uses >= invite.maxUses || invite.expiresUnixMs <= nowUnixMs) {
        return "spent_nonce";
      }
      if (agents.has(agent.agentId)) return "taken_id";
      refuseTwice(keys.has(keyHash));
      invites.set(nonce, { ...invite, uses: invite.uses + 1 });
      agents.set(agent.agentId, agent);
      keys.set(keyHash, {
        hash: keyHash,
        agentId: agent.agentId,
        createdUnixMs: nowUnixMs,
        expiresUnixMs: undefined,
      });
      return "joined";
    },
  };
}

function keyStore({ agents, keys, secrets }: Tables): KeyStore {
  return {
    find: async (hash) => keys.get(hash),
    async rotate(key, oldExpireUnixMs) {
      livingAgent({ agents }, key.agentId);
      refuseTwice(keys.has(key.hash));
      for (const old of [...keys.values()].filter(({ agentId }) => agentId === key.agentId)) {
        const endsUnixMs = old.expiresUnixMs ?? Number.POSITIVE_INFINITY;
        if (endsUnixMs <= key.createdUnixMs) keys.delete(old.hash);
        else keys.set(old.hash, { ...old, expiresUnixMs: Math.min(endsUnixMs, oldExpireUnixMs) });
      }
      keys.set(key.hash, key);
    },
    secrets: async () => [...secrets].reverse().sort((a, b) => b.createdUnixMs - a.createdUnixMs),
    async addSecret(secret, older) {
      refuseTwice(secrets.some(({ kid }) => kid === secret.kid));
      const kept = older === undefined ? secrets : endOlderSecrets(secrets, older);
      secrets.splice(0, secrets.length, ...kept, { ...secret, secret: Uint8Array.from(secret.secret) });
    },
  };
}

function endOlderSecrets(secrets: readonly SecretRecord[], older: OlderSecrets): SecretRecord[] {
  const isReplaced = ({ createdUnixMs }: SecretRecord): boolean =>
    secrets.some(
      (other) => other.createdUnixMs > createdUnixMs && other.createdUnixMs <= older.forgetReplacedUnixMs,
    );
  const kept = secrets.filter((secret) => !isReplaced(secret));
  return older.revoke ? kept.map((secret) => ({ ...secret, secret: undefined })) : kept;
}

function accessStore({ access, agents }: Tables): AccessStore {
  return {
    rules: async (ownerId) => [...(access.get(ownerId)?.values() ?? [])],
    async put(ownerId, rule) {
      livingAgent({ agents }, ownerId);
      const rules = access.get(ownerId) ?? new Map<string, AccessRule>();
      access.set(ownerId, rules.set(rule.subject, rule));
    },
    remove: async (ownerId, subject) => access.get(ownerId)?.delete(subject) ?? false,
  };
}

function channelStore({ channels, channelNames, members }: Tables): ChannelStore {
  const counted = (channel: Omit<ChannelRecord, "memberCount">): ChannelRecord => ({
    ...channel,
    memberCount: members.get(channel.channelId)?.size ?? 0,
  });
  return {
    async create(channel, ids) {
      if (channelNames.has(channel.channelId)) return false;
      channelNames.add(channel.channelId);
      const description = channel.description.toWellFormed().replaceAll("\0", "\ufffd");
      channels.set(channel.channelId, { ...channel, description });
      members.set(channel.channelId, new Set(ids));
      return true;
    },
    async find(channelId) {
      const channel = channels.get(channelId);
      return channel === undefined ? undefined : counted(channel);
    },
    list: async (memberId, afterId, limit) =>
      [...channels.values()]
        .filter(
          ({ channelId, isPrivate }) =>
            memberId === undefined || !isPrivate || members.get(channelId)?.has(memberId) === true,
        )
        .filter(({ channelId }) => channelId > afterId)
        .sort((a, b) => byId(a.channelId, b.channelId))
        .slice(0, limit)
        .map(counted),
    members: async (channelId, afterId, limit) =>
      [...(members.get(channelId) ?? [])]
        .filter((id) => id > afterId)
        .sort(byId)
        .slice(0, limit),
    async changeMembers(channelId, add, remove) {
      const group = members.get(channelId);
      if (group === undefined || !channels.has(channelId)) {
        throw new MeshError("not_found", `there is no channel ${channelId}`);
      }
      for (const id of add) group.add(id);
      for (const id of remove) group.delete(id);
    },
    async remove(channelId) {
      channels.delete(channelId);
    },
    countOwned: async (ownerId) =>
      [...channels.values()].filter((channel) => ownerId === undefined || channel.ownerId === ownerId).length,
  };
}

function outcomeStore({ outcomes }: Tables): OutcomeStore {
  return {
    find: async (messageId) => outcomes.get(messageId),
    async add(added) {
      const fresh: OutcomeRecord[] = [];
      for (const outcome of added) {
        if (outcomes.has(outcome.messageId)) continue;
        outcomes.set(outcome.messageId, outcome);
        fresh.push(outcome);
      }
      return fresh;
    },
    dead: async (senderId, beforeId, limit) =>
      [...outcomes.values()]
        .filter((outcome) => outcome.senderId === senderId && outcome.state !== "processed")
        .filter((outcome) => beforeId === "" || outcome.messageId < beforeId)
        .sort((a, b) => byId(b.messageId, a.messageId))
        .slice(0, limit),
    countDead: async () => [...outcomes.values()].filter(({ state }) => state !== "processed").length,
    async prune(beforeUnixMs) {
      const old = [...outcomes.values()].filter((outcome) => outcome.atUnixMs < beforeUnixMs);
      for (const outcome of old) outcomes.delete(outcome.messageId);
      return old.length;
    },
  };
}

function trafficStore({ edges, months }: Tables): TrafficStore {
  return {
    async add(month, added) {
      for (const edge of added) {
        const name = `${edge.from} ${edge.to}`;
        const old = edges.get(name);
        edges.set(name, {
          from: edge.from,
          to: edge.to,
          messages: (old?.messages ?? 0) + edge.messages,
          bytes: (old?.bytes ?? 0) + edge.bytes,
          lastUnixMs: Math.max(old?.lastUnixMs ?? 0, edge.lastUnixMs),
        });
        const count = `${edge.from} ${month}`;
        months.set(count, (months.get(count) ?? 0) + edge.messages);
      }
    },
    sent: async (agentId, month) => months.get(`${agentId} ${month}`) ?? 0,
    edges: async (agentId, limit) =>
      [...edges.values()]
        .filter((edge) => agentId === undefined || edge.from === agentId || edge.to === agentId)
        .sort((a, b) => b.messages - a.messages)
        .slice(0, limit),
    async totals() {
      let messages = 0;
      let bytes = 0;
      for (const edge of edges.values()) {
        messages += edge.messages;
        bytes += edge.bytes;
      }
      return { messages, bytes };
    },
  };
}
