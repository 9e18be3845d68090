import type { AgentRecord } from "../model/agent.ts";
import type { AccessRule } from "./access-store.ts";

/** What happened to an agent. `access`: its access rules; the profile's own `access` field is `profile`. */
export type AgentChange = "joined" | "profile" | "access" | "plan" | "removed";

/** Called after the change is durable and visible through the directory. Must not throw. */
export type AgentChangeListener = (agentId: string, what: AgentChange) => void;

/**
 * The agents of this hub as the hot path sees them: answers at once (not a promise) when it remembers, else asks
 * the store. An answer is never older than the last change made on this node.
 */
export interface Directory {
  /** The living agent of this id; undefined when there never was one or it was deleted. @throws MeshError unavailable */
  lookup(agentId: string): AgentRecord | undefined | Promise<AgentRecord | undefined>;
  /** The access rules that `agentId` made; none for an id that nobody has. @throws MeshError unavailable */
  rules(agentId: string): readonly AccessRule[] | Promise<readonly AccessRule[]>;
  /** Gives the way to stop listening. */
  onChange(listener: AgentChangeListener): () => void;
}
