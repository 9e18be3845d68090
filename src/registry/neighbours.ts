import type { AgentRecord, AgentView } from "../model/agent.ts";
import type { AgentPrincipal } from "../model/principal.ts";
import type { AgentStore } from "../ports/agent-store.ts";
import type { Directory } from "../ports/directory.ts";
import type { Agents } from "./agents.ts";
import type { Presence } from "./presence.ts";
import { isRecordVisibleTo } from "./visibility.ts";

/** Agents that the caller may see, without itself: online first, then in order of id, at most 50. */
export type Neighbours = (principal: AgentPrincipal) => Promise<readonly AgentView[]>;

const MAX_NEIGHBOURS = 50;
/** Agents looked at, at most, to find those that the caller may see. */
const MAX_SCANNED = 500;

export function createNeighbours(deps: {
  readonly stores: { readonly agents: AgentStore };
  readonly agents: Agents;
  readonly directory: Directory;
  readonly presence: Presence;
}): Neighbours {
  const { stores, agents, directory, presence } = deps;
  return async (principal) => {
    const found = new Map<string, AgentView>();
    const offer = (record: AgentRecord | undefined): void => {
      if (record === undefined || record.agentId === principal.agentId) return;
      if (found.size === MAX_NEIGHBOURS || found.has(record.agentId)) return;
      if (isRecordVisibleTo(principal, record)) found.set(record.agentId, agents.view(principal, record));
    };
    for (const agentId of presence.onlineIds(MAX_SCANNED)) {
      if (found.size === MAX_NEIGHBOURS) break;
      offer(await directory.lookup(agentId));
    }
    if (found.size < MAX_NEIGHBOURS) {
      for (const record of await stores.agents.list("", MAX_SCANNED)) offer(record);
    }
    return [...found.values()];
  };
}
