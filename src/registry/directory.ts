import type { AgentRecord } from "../model/agent.ts";
import type { AccessRule, AccessStore } from "../ports/access-store.ts";
import type { AgentStore } from "../ports/agent-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { AgentChange, AgentChangeListener, Directory } from "../ports/directory.ts";
import { createReadThrough } from "./read-through.ts";

/** Agents kept in memory. */
const MAX_AGENTS = 50_000;
/** Owners plus their rules kept in memory. */
const MAX_RULES = 500_000;
/** Only another node can make an absent agent present without this one being told. */
const ABSENT_MS = 5_000;

/** The directory, and how the registry tells it what it changed. */
export interface OwnDirectory extends Directory {
  /** To be called after the change is durable. Forgets what was remembered, then tells the listeners. */
  changed(agentId: string, what: AgentChange): void;
}

export function createDirectory(
  stores: { readonly agents: AgentStore; readonly access: AccessStore },
  clock: Clock,
): OwnDirectory {
  const listeners = new Set<AgentChangeListener>();
  const agents = createReadThrough<AgentRecord>({
    clock,
    maxWeight: MAX_AGENTS,
    absentMs: ABSENT_MS,
    async load(agentId) {
      const record = await stores.agents.find(agentId);
      return record?.deletedUnixMs === undefined ? record : undefined;
    },
  });
  const rules = createReadThrough<readonly AccessRule[]>({
    clock,
    maxWeight: MAX_RULES,
    weigh: (list) => 1 + list.length,
    absentMs: 0,
    load: (ownerId) => stores.access.rules(ownerId),
  });
  return {
    lookup: agents.get,
    rules(agentId) {
      const found = rules.get(agentId);
      return found instanceof Promise ? found.then((list) => list ?? []) : (found ?? []);
    },
    onChange(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    changed(agentId, what) {
      if (what === "access" || what === "removed") rules.forget(agentId);
      if (what !== "access") agents.forget(agentId);
      for (const listener of listeners) listener(agentId, what);
    },
  };
}
