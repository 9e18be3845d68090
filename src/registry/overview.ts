import { type AgentPrincipal, type Call, type Principal, unauthenticated } from "../model/principal.ts";
import type { AgentStore } from "../ports/agent-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Directory } from "../ports/directory.ts";
import type { TrafficStore } from "../ports/traffic-store.ts";
import type { Agents } from "./agents.ts";
import { createNeighbours } from "./neighbours.ts";
import type { Presence } from "./presence.ts";

export interface OverviewDeps<Channel> {
  readonly hubId: string;
  readonly version: string;
  readonly stores: { readonly agents: AgentStore; readonly traffic: TrafficStore };
  readonly agents: Agents;
  readonly directory: Directory;
  readonly presence: Presence;
  readonly clock: Clock;
  readonly limits: { readonly ratePerMinute: number; readonly maxPayloadBytes: number };
  readonly unread: (agentId: string) => Promise<{ readonly unread: number; readonly cursor: string }>;
  /** Channels that the caller may see. */
  readonly channelsOf: (call: Call) => Promise<readonly Channel[]>;
  readonly channelCount: () => Promise<number>;
}

const MAX_EDGES = 1_000;

/** What the hub looks like from where the caller stands. Uptime counts from this call. */
export function createOverview<Channel>(deps: OverviewDeps<Channel>) {
  const { hubId, stores, agents, directory, presence, clock, limits } = deps;
  const neighbours = createNeighbours(deps);
  const startedMs = clock.steadyMs();

  return {
    async stats() {
      const [agentCount, channels, totals] = await Promise.all([
        stores.agents.count(),
        deps.channelCount(),
        stores.traffic.totals(),
      ]);
      return {
        hubId,
        version: deps.version,
        agents: agentCount,
        online: presence.onlineCount(),
        channels,
        messagesAccepted: totals.messages,
        bytesAccepted: totals.bytes,
        uptimeS: Math.floor((clock.steadyMs() - startedMs) / 1_000),
      };
    },
    /** All edges for the operator, its own for an agent, none for anybody else. */
    async network(principal: Principal) {
      const [agentCount, totals, edges] = await Promise.all([
        stores.agents.count(),
        stores.traffic.totals(),
        edgesOf(stores.traffic, principal),
      ]);
      return {
        agents: agentCount,
        online: presence.onlineCount(),
        messages: totals.messages,
        edges: edges.map(({ from, to, messages, lastUnixMs }) => ({ from, to, messages, lastUnixMs })),
      };
    },
    async context(call: Call, principal: AgentPrincipal) {
      const record = await directory.lookup(principal.agentId);
      if (record === undefined) throw unauthenticated();
      const [inbox, others, channels] = await Promise.all([
        deps.unread(principal.agentId),
        neighbours(principal),
        deps.channelsOf(call),
      ]);
      return {
        hubId,
        you: agents.view(principal, record),
        unread: inbox.unread,
        cursor: inbox.cursor,
        agents: others,
        channels,
        limits: {
          perMinute: limits.ratePerMinute,
          maxPayloadBytes: limits.maxPayloadBytes,
          plan: record.plan,
        },
      };
    },
  };
}

export type Overview<Channel> = ReturnType<typeof createOverview<Channel>>;

async function edgesOf(traffic: TrafficStore, principal: Principal) {
  if (principal.kind === "anonymous") return [];
  return traffic.edges(principal.kind === "agent" ? principal.agentId : undefined, MAX_EDGES);
}
