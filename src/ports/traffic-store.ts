/** Messages from one address to another, added up. */
export interface EdgeRecord {
  readonly from: string;
  readonly to: string;
  readonly messages: number;
  readonly bytes: number;
  readonly lastUnixMs: number;
}

/** Counters: written behind, in batches, so a crash may lose about the last second of counting. */
export interface TrafficStore {
  /** Adds to the edges, and to the sender's count of the month (`2026-11`, UTC). */
  add(month: string, edges: readonly EdgeRecord[]): Promise<void>;
  /** Messages that the agent sent in the month. */
  sent(agentId: string, month: string): Promise<number>;
  /** Busiest first; only edges that touch `agentId` unless it is undefined. */
  edges(agentId: string | undefined, limit: number): Promise<readonly EdgeRecord[]>;
  totals(): Promise<{ readonly messages: number; readonly bytes: number }>;
}
