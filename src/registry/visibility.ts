import type { AgentRecord, AgentView, Visibility } from "../model/agent.ts";
import type { Principal } from "../model/principal.ts";

/** What decides on who finds an agent. */
export interface Findable {
  readonly agentId: string;
  readonly visibility: Visibility;
}

/**
 * Whether the caller may know of the agent: the operator of all, an agent of itself and of what is not hidden,
 * a stranger of what is public.
 */
export function isVisibleTo(principal: Principal, { agentId, visibility }: Findable): boolean {
  if (principal.kind === "admin") return true;
  if (principal.kind === "anonymous") return visibility === "public";
  return visibility !== "hidden" || principal.agentId === agentId;
}

/** `isVisibleTo` for a stored agent. */
export function isRecordVisibleTo(principal: Principal, record: AgentRecord): boolean {
  return isVisibleTo(principal, { agentId: record.agentId, visibility: record.profile.visibility });
}

/**
 * Whether the caller may look at an agent whose id it has. Whoever may call may know whom it calls: an agent with access
 * `public` is shown to strangers too, though only its visibility says who finds it.
 */
export function isRecordShownTo(principal: Principal, record: AgentRecord): boolean {
  return isRecordVisibleTo(principal, record) || record.profile.access === "public";
}

/** The agent as the caller sees it. That the caller may see it at all is checked before. */
export function viewFromRecord(principal: Principal, record: AgentRecord, online: boolean): AgentView {
  const isOwn =
    principal.kind === "admin" || (principal.kind === "agent" && principal.agentId === record.agentId);
  return {
    agentId: record.agentId,
    profile: record.profile,
    online,
    createdUnixMs: record.createdUnixMs,
    publicKey: record.publicKey,
    plan: isOwn ? record.plan : undefined,
  };
}
