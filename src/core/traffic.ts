import { createLru } from "../model/lru.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { EdgeRecord, TrafficStore } from "../ports/traffic-store.ts";

const FLUSH_MS = 1000;
const CACHED_COUNTS = 20_000;

interface OpenEdge {
  messages: number;
  bytes: number;
  lastUnixMs: number;
}

/** Counts accepted messages in memory and writes them behind, once a second: a crash loses that much counting. */
export interface Traffic {
  count(from: string, to: string, bytes: number): void;
  /** What the agent sent this month, with what is not yet written. */
  sentThisMonth(agentId: string): number | Promise<number>;
  /** Accepted since the hub's data began. */
  totals(): Promise<{ readonly messages: number; readonly bytes: number }>;
  edges(agentId: string | undefined, limit: number): Promise<readonly EdgeRecord[]>;
  flush(): Promise<void>;
  stop(): Promise<void>;
}

export function createTraffic(deps: { store: TrafficStore; clock: Clock; logger: Logger }): Traffic {
  let open = new Map<string, Map<string, OpenEdge>>();
  const monthly = createLru<{ month: string; sent: number }>({ maxWeight: CACHED_COUNTS });
  let writing: Promise<void> = Promise.resolve();
  const timer = setInterval(() => void flush(), FLUSH_MS);
  timer.unref();

  function month(): string {
    return new Date(deps.clock.nowUnixMs()).toISOString().slice(0, 7);
  }

  function flush(): Promise<void> {
    writing = writing.then(write);
    return writing;
  }

  async function write(): Promise<void> {
    if (open.size === 0) return;
    const edges = closeEdges(open);
    open = new Map();
    try {
      await deps.store.add(month(), edges);
    } catch (error) {
      deps.logger.warn("traffic.not_counted", { edges: edges.length, error });
    }
  }

  async function loadSent(agentId: string): Promise<number> {
    await flush();
    const sent = await deps.store.sent(agentId, month());
    monthly.set(agentId, { month: month(), sent });
    return sent;
  }

  return {
    count(from, to, bytes) {
      const edges = open.get(from) ?? new Map<string, OpenEdge>();
      if (edges.size === 0) open.set(from, edges);
      const edge = edges.get(to) ?? { messages: 0, bytes: 0, lastUnixMs: 0 };
      if (edge.messages === 0) edges.set(to, edge);
      edge.messages += 1;
      edge.bytes += bytes;
      edge.lastUnixMs = deps.clock.nowUnixMs();
      const counted = monthly.get(from);
      if (counted !== undefined) counted.sent += 1;
    },
    sentThisMonth(agentId) {
      const counted = monthly.get(agentId);
      return counted !== undefined && counted.month === month() ? counted.sent : loadSent(agentId);
    },
    async totals() {
      await flush();
      return deps.store.totals();
    },
    async edges(agentId, limit) {
      await flush();
      return deps.store.edges(agentId, limit);
    },
    flush,
    async stop() {
      clearInterval(timer);
      await flush();
    },
  };
}

function closeEdges(open: ReadonlyMap<string, ReadonlyMap<string, OpenEdge>>): EdgeRecord[] {
  const edges: EdgeRecord[] = [];
  for (const [from, targets] of open) {
    for (const [to, edge] of targets) edges.push({ from, to, ...edge });
  }
  return edges;
}
