import type { AgentRecord, PlanName, Profile } from "../model/agent.ts";

/** Agents, deleted ones included as tombstones. Every write is durable when it answers. */
export interface AgentStore {
  find(agentId: string): Promise<AgentRecord | undefined>;
  /** Living agents in order of id, after `afterId`. */
  list(afterId: string, limit: number): Promise<readonly AgentRecord[]>;
  count(): Promise<number>;
  /** @throws MeshError not_found when no living agent has this id */
  setProfile(agentId: string, profile: Profile): Promise<void>;
  /** @throws MeshError not_found when no living agent has this id */
  setPlan(agentId: string, plan: PlanName): Promise<void>;
  /** Leaves a tombstone and removes the agent's keys, access rules and memberships in the same transaction. */
  remove(agentId: string, atUnixMs: number): Promise<void>;
}
