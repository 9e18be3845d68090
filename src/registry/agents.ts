import { isId } from "../model/address.ts";
import type { AgentRecord, AgentView, PlanName, Profile, ProfilePatch } from "../model/agent.ts";
import { MeshError } from "../model/errors.ts";
import type { Principal } from "../model/principal.ts";
import { createTurns } from "../model/turns.ts";
import type { AgentStore } from "../ports/agent-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import { createAgentList, type ListAgents } from "./agent-list.ts";
import type { OwnDirectory } from "./directory.ts";
import type { Presence } from "./presence.ts";
import { profileFromPatch, textFromProfile } from "./profile.ts";
import type { Search } from "./search.ts";
import { isRecordShownTo, viewFromRecord } from "./visibility.ts";

/** The agents of this hub as callers see and change them. What a caller may not see does not exist for it. */
export interface Agents {
  /** See isRecordShownTo. @throws MeshError not_found */
  get(principal: Principal, agentId: string): Promise<AgentView>;
  /** In order of id, or best match first when there is a query. @throws MeshError invalid_argument */
  readonly list: ListAgents;
  /** In the hub's own name, bounds and grants unchecked. Nothing when there is no such agent (any more). */
  amend(agentId: string, change: (profile: Profile) => Profile): Promise<void>;
  /** See profileFromPatch. Patches of one agent happen one after the other. */
  updateProfile(agentId: string, patch: ProfilePatch): Promise<AgentView>;
  /** @throws MeshError not_found */
  setPlan(agentId: string, plan: PlanName): Promise<AgentView>;
  /** @throws MeshError not_found */
  remove(agentId: string): Promise<void>;
  /** As the principal sees it; visibility is checked before. */
  view(principal: Principal, record: AgentRecord): AgentView;
}

export interface AgentsDeps {
  readonly agents: AgentStore;
  readonly directory: OwnDirectory;
  readonly presence: Presence;
  readonly search: Search;
  readonly clock: Clock;
  readonly logger: Logger;
}

export function createAgents(deps: AgentsDeps): Agents {
  const { agents, directory, presence, search, clock, logger } = deps;
  const turns = createTurns();

  function view(principal: Principal, record: AgentRecord): AgentView {
    return viewFromRecord(principal, record, presence.isOnline(record.agentId));
  }

  /** As the agent itself and the operator see it. */
  const ownView = (record: AgentRecord): AgentView => view({ kind: "admin" }, record);

  /** From the store, since what is about to be changed must not come from memory. */
  async function stored(agentId: string): Promise<AgentRecord> {
    const record = isId(agentId) ? await agents.find(agentId) : undefined;
    if (record === undefined || record.deletedUnixMs !== undefined) throw noAgent(agentId);
    return record;
  }

  return {
    view,
    list: createAgentList({ agents, directory, search, view }),
    async get(principal, agentId) {
      const record = isId(agentId) ? await directory.lookup(agentId) : undefined;
      if (record === undefined || !isRecordShownTo(principal, record)) throw noAgent(agentId);
      return view(principal, record);
    },
    amend(agentId, change) {
      return turns.take(agentId, async () => {
        const record = await agents.find(agentId);
        if (record === undefined || record.deletedUnixMs !== undefined) return;
        const profile = change(record.profile);
        if (textFromProfile(profile) === textFromProfile(record.profile)) return;
        await agents.setProfile(agentId, profile);
        directory.changed(agentId, "profile");
      });
    },
    updateProfile(agentId, patch) {
      return turns.take(agentId, async () => {
        const record = await stored(agentId);
        const profile = profileFromPatch(record.profile, patch);
        if (textFromProfile(profile) !== textFromProfile(record.profile)) {
          await agents.setProfile(agentId, profile);
          directory.changed(agentId, "profile");
        }
        return ownView({ ...record, profile });
      });
    },
    async setPlan(agentId, plan) {
      const record = await stored(agentId);
      await agents.setPlan(agentId, plan);
      directory.changed(agentId, "plan");
      logger.info("agent.plan_set", { agentId, plan });
      return ownView({ ...record, plan });
    },
    async remove(agentId) {
      await stored(agentId);
      await agents.remove(agentId, clock.nowUnixMs());
      directory.changed(agentId, "removed");
      logger.info("agent.removed", { agentId });
    },
  };
}

function noAgent(agentId: string): MeshError {
  return new MeshError("not_found", `no agent ${JSON.stringify(agentId.slice(0, 80))} that you may see`, {
    hint: "GET /agents lists the agents that you may see",
  });
}
