import { createLru } from "../model/lru.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { EdgeRecord, TrafficStore } from "../ports/traffic-store.ts";

const FLUSH_MS = 1000;
const CACHED_COUNTS = 20_000;
/** Pairs of addresses that wait to be written; more are not counted while the store takes nothing. */
const MAX_OPEN_EDGES = 100_000;

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

/** Counts that the store does not take are kept for its next write, up to 100,000 pairs of addresses. */
export function createTraffic(deps: { store: TrafficStore; clock: Clock; logger: Logger }): Traffic {
  const open = new OpenEdges();
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
    const edges = open.take();
    if (edges.length === 0) return;
    try {
      await deps.store.add(month(), edges);
    } catch (error) {
      const isKept = edges.length <= MAX_OPEN_EDGES;
      deps.logger.warn("traffic.not_written", { edges: edges.length, isKept, error });
      if (isKept) open.putBack(edges);
    }
  }

  function loadSent(agentId: string): Promise<number> {
    // Within the chain of writes: what is counted meanwhile stays in `open` and is added below.
    const loaded = writing.then(write).then(async () => {
      const sent = (await deps.store.sent(agentId, month())) + open.sentBy(agentId);
      monthly.set(agentId, { month: month(), sent });
      return sent;
    });
    // The caller hears of a failure; the writes after it go on.
    writing = loaded.then(
      () => undefined,
      () => undefined,
    );
    return loaded;
  }

  return {
    count(from, to, bytes) {
      const edge = open.edge(from, to);
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

/** Counts that are not yet written. */
class OpenEdges {
  #bySender = new Map<string, Map<string, OpenEdge>>();

  /** To be counted up. */
  edge(from: string, to: string): OpenEdge {
    const edges = this.#bySender.get(from) ?? new Map<string, OpenEdge>();
    if (edges.size === 0) this.#bySender.set(from, edges);
    const edge = edges.get(to) ?? { messages: 0, bytes: 0, lastUnixMs: 0 };
    if (edge.messages === 0) edges.set(to, edge);
    return edge;
  }

  sentBy(from: string): number {
    let sent = 0;
    for (const { messages } of this.#bySender.get(from)?.values() ?? []) sent += messages;
    return sent;
  }

  take(): EdgeRecord[] {
    const taken: EdgeRecord[] = [];
    for (const [from, edges] of this.#bySender) {
      for (const [to, edge] of edges) taken.push({ from, to, ...edge });
    }
    this.#bySender = new Map();
    return taken;
  }

  putBack(taken: readonly EdgeRecord[]): void {
    for (const { from, to, messages, bytes, lastUnixMs } of taken) {
      const edge = this.edge(from, to);
      edge.messages += messages;
      edge.bytes += bytes;
      edge.lastUnixMs = Math.max(edge.lastUnixMs, lastUnixMs);
    }
  }
}
