import { isId } from "../model/address.ts";
import type { AgentRecord, AgentStatus, AgentView } from "../model/agent.ts";
import { MeshError } from "../model/errors.ts";
import type { Principal } from "../model/principal.ts";
import type { AgentStore } from "../ports/agent-store.ts";
import type { Directory } from "../ports/directory.ts";
import type { Search } from "./search.ts";
import { isRecordVisibleTo } from "./visibility.ts";

export interface AgentQuery {
  /** Exact, but for upper and lower case. */
  readonly capability?: string;
  /** Free text; forgives typos; best match first. */
  readonly query?: string;
  readonly status?: AgentStatus;
  /** Clamped to 1…500; absent = 100. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface AgentPage {
  readonly agents: readonly AgentView[];
  /** For the next page; undefined = that was all. A page may be short, or empty, and still have one. */
  readonly cursor: string | undefined;
}

/** Lists agents that the caller may see. @throws MeshError invalid_argument */
export type ListAgents = (principal: Principal, query: AgentQuery) => Promise<AgentPage>;

const DEFAULT_LIMIT = 100;
const MAX_LIMIT = 500;
const SCAN_PAGE = 500;
/** Agents that one call looks at, at most, to find those that fit its filters. */
const MAX_SCANNED = 2_000;

export function createAgentList(deps: {
  readonly agents: AgentStore;
  readonly directory: Directory;
  readonly search: Search;
  readonly view: (principal: Principal, record: AgentRecord) => AgentView;
}): ListAgents {
  const { agents, directory, search, view } = deps;

  async function listById(principal: Principal, query: AgentQuery, limit: number): Promise<AgentPage> {
    const fits = createFilter(query);
    const found: AgentView[] = [];
    let afterId = query.cursor === undefined ? "" : idFromCursor(query.cursor);
    for (let scanned = 0; scanned < MAX_SCANNED; ) {
      const page = await agents.list(afterId, SCAN_PAGE);
      for (const record of page) {
        if (found.length === limit) return { agents: found, cursor: afterId };
        afterId = record.agentId;
        if (isRecordVisibleTo(principal, record) && fits(record)) found.push(view(principal, record));
      }
      if (page.length < SCAN_PAGE) return { agents: found, cursor: undefined };
      scanned += page.length;
    }
    return { agents: found, cursor: afterId };
  }

  async function listByMatch(principal: Principal, query: AgentQuery, limit: number): Promise<AgentPage> {
    const start = query.cursor === undefined ? 0 : rankFromCursor(query.cursor);
    const fits = createFilter(query);
    const ids = await search.find(principal, query.query ?? "");
    const found: AgentView[] = [];
    for (let rank = start; rank < ids.length; rank += 1) {
      if (found.length === limit) return { agents: found, cursor: `~${rank}` };
      const record = await directory.lookup(ids[rank] ?? "");
      // The index may be a moment behind: the record decides.
      if (record !== undefined && isRecordVisibleTo(principal, record) && fits(record)) {
        found.push(view(principal, record));
      }
    }
    return { agents: found, cursor: undefined };
  }

  return async (principal, query) => {
    const limit = Math.min(Math.max(Math.trunc(query.limit ?? DEFAULT_LIMIT) || 1, 1), MAX_LIMIT);
    const isSearch = query.query !== undefined && query.query.trim() !== "";
    return isSearch ? listByMatch(principal, query, limit) : listById(principal, query, limit);
  };
}

function createFilter({ capability, status }: AgentQuery): (record: AgentRecord) => boolean {
  const wanted = capability?.trim().toLowerCase();
  return ({ profile }) =>
    (status === undefined || profile.status === status) &&
    (!wanted || profile.capabilities.some((own) => own.toLowerCase() === wanted));
}

function idFromCursor(cursor: string): string {
  if (isId(cursor)) return cursor;
  throw badCursor();
}

function rankFromCursor(cursor: string): number {
  const digits = /^~(\d{1,6})$/.exec(cursor)?.[1];
  if (digits === undefined) throw badCursor();
  return Number(digits);
}

function badCursor(): MeshError {
  return new MeshError("invalid_argument", "not a cursor of this list", {
    hint: "give back the cursor exactly as you got it, with the same filters, or none for the first page",
  });
}
