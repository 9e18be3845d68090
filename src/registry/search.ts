import { setImmediate as nextTurn } from "node:timers/promises";
import type MiniSearch from "minisearch";
import type { SearchOptions } from "minisearch";
import type { AgentRecord, Visibility } from "../model/agent.ts";
import { MeshError } from "../model/errors.ts";
import type { Principal } from "../model/principal.ts";
import type { AgentStore } from "../ports/agent-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Directory } from "../ports/directory.ts";
import { createSearchBudget } from "./search-budget.ts";
import { isVisibleTo } from "./visibility.ts";

/** Typo-forgiving search over id, name, capabilities and description of all agents. */
export interface Search {
  /**
   * Ids of agents that the caller may see, best match first, at most 1,000: those that match every word, or,
   * when there are none, those that match any. A word matches from its beginning and within a quarter of its
   * letters; the first 12 different words count. The first query builds the index.
   * @throws MeshError invalid_argument for more than 256 characters; rate_limited when the caller used up its
   * share of the hub's time (see SearchBudget); unavailable
   */
  find(principal: Principal, query: string): Promise<readonly string[]>;
}

const MAX_QUERY_CHARS = 256;
const MAX_WORDS = 12;
const MAX_FOUND = 1_000;
/** Small, since a page is indexed in one go on the thread that also moves messages. */
const PAGE = 200;
/** What an agent says further down of itself is not searched: it bounds the index. */
const INDEXED_DESCRIPTION_CHARS = 1_000;
/** Words of fewer letters must be right and whole: otherwise they would match everything. */
const LEAST_CHARS_FOR_FUZZY = 3;
const LEAST_CHARS_FOR_PREFIX = 2;

interface Entry {
  readonly id: string;
  readonly name: string;
  readonly capabilities: string;
  readonly description: string;
}

const OPTIONS: SearchOptions = {
  prefix: (word) => word.length >= LEAST_CHARS_FOR_PREFIX,
  fuzzy: (word) => (word.length >= LEAST_CHARS_FOR_FUZZY ? 0.25 : false),
  boost: { id: 3, name: 3, capabilities: 2 },
};

interface Index {
  readonly words: MiniSearch<Entry>;
  readonly visibilities: Map<string, Visibility>;
}

export function createSearch(deps: {
  readonly agents: AgentStore;
  readonly directory: Directory;
  readonly clock: Clock;
}): Search {
  const { agents, directory, clock } = deps;
  const budget = createSearchBudget(clock);
  let building: Promise<Index> | undefined;
  let refreshing: Promise<void> = Promise.resolve();
  const changed = new Set<string>();

  directory.onChange((agentId, what) => {
    // Before the first query there is no index to keep current.
    if (building !== undefined && what !== "access" && what !== "plan") changed.add(agentId);
  });

  function built(): Promise<Index> {
    if (building !== undefined) return building;
    const mine = buildIndex(agents);
    building = mine;
    mine.catch(() => {
      if (building === mine) building = undefined;
    });
    return mine;
  }

  /** One at a time: each sees what its predecessor left. */
  function refresh(index: Index): Promise<void> {
    const mine = refreshing.then(() => applyChanges(index));
    refreshing = mine.catch(() => undefined);
    return mine;
  }

  async function applyChanges(index: Index): Promise<void> {
    for (const agentId of changed) {
      changed.delete(agentId);
      try {
        const record = await directory.lookup(agentId);
        if (record === undefined) drop(index, agentId);
        else put(index, record);
      } catch (thrown) {
        changed.add(agentId);
        throw thrown;
      }
    }
  }

  return {
    async find(principal, query) {
      const words = wordsFromQuery(query);
      budget.check(principal);
      const index = await built();
      await refresh(index);
      const matches = new Map<string, Match>();
      for (const word of words) {
        const startMs = clock.steadyMs();
        addMatches(matches, index, principal, word);
        budget.spend(principal, clock.steadyMs() - startMs);
        // A word may take some milliseconds: messages go first.
        await nextTurn();
      }
      return ranked(matches, words.length);
    },
  };
}

/** How well an agent matches, over all words. */
interface Match {
  readonly words: number;
  readonly score: number;
}

function addMatches(matches: Map<string, Match>, index: Index, principal: Principal, word: string): void {
  const filter: SearchOptions["filter"] = ({ id }) => {
    const agentId = String(id);
    const visibility = index.visibilities.get(agentId);
    return visibility !== undefined && isVisibleTo(principal, { agentId, visibility });
  };
  for (const { id, score } of index.words.search(word, { ...OPTIONS, filter })) {
    const agentId = String(id);
    const before = matches.get(agentId);
    matches.set(agentId, { words: (before?.words ?? 0) + 1, score: (before?.score ?? 0) + score });
  }
}

function ranked(matches: ReadonlyMap<string, Match>, words: number): readonly string[] {
  const any = [...matches];
  const all = any.filter(([, match]) => match.words === words);
  return (all.length > 0 ? all : any)
    .sort(([, a], [, b]) => b.words * b.score - a.words * a.score)
    .slice(0, MAX_FOUND)
    .map(([agentId]) => agentId);
}

/** Page by page, so that nothing else waits long. */
async function buildIndex(agents: AgentStore): Promise<Index> {
  const { default: Words } = await import("minisearch");
  const index: Index = {
    words: new Words<Entry>({
      fields: ["id", "name", "capabilities", "description"],
      tokenize: wordsFromText,
      processTerm: folded,
    }),
    visibilities: new Map(),
  };
  for (let afterId = ""; ; ) {
    const page = await agents.list(afterId, PAGE);
    for (const record of page) put(index, record);
    const last = page.at(-1);
    if (last === undefined || page.length < PAGE) return index;
    afterId = last.agentId;
  }
}

function wordsFromQuery(query: string): readonly string[] {
  if (query.length > MAX_QUERY_CHARS) {
    throw new MeshError("invalid_argument", "the query is too long", {
      hint: `use at most ${MAX_QUERY_CHARS} characters`,
    });
  }
  return [...new Set(wordsFromText(query).map(folded))].slice(0, MAX_WORDS);
}

function wordsFromText(text: string): string[] {
  return text.split(/[\s\p{P}]+/u).filter((word) => word !== "");
}

function put({ words, visibilities }: Index, { agentId, profile }: AgentRecord): void {
  const entry: Entry = {
    id: agentId,
    name: profile.name ?? "",
    capabilities: profile.capabilities.join(" "),
    description: (profile.description ?? "").slice(0, INDEXED_DESCRIPTION_CHARS),
  };
  if (words.has(agentId)) words.replace(entry);
  else words.add(entry);
  visibilities.set(agentId, profile.visibility);
}

function drop({ words, visibilities }: Index, agentId: string): void {
  if (words.has(agentId)) words.discard(agentId);
  visibilities.delete(agentId);
}

/** Upper and lower case and accents make no difference. */
function folded(word: string): string {
  return word
    .normalize("NFKD")
    .replace(/\p{M}+/gu, "")
    .toLowerCase();
}
