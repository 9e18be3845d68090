import type { AgentStore } from "../ports/agent-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { MessageLog } from "../ports/message-log.ts";
import { inboxStream } from "./streams.ts";

const LEAST_AGE_MS = 30_000;
/** A look at many inboxes takes a while: at most a twentieth of the time goes into looking. */
const REST_FACTOR = 20;
const PAGE = 200;
const DEEPEST = 100;

export interface InboxBacklog {
  readonly agentId: string;
  /** Records that are kept and not acknowledged. */
  readonly unread: number;
}

/** What is unread in all inboxes. */
export interface BacklogTotals {
  readonly unread: number;
  /** Those with the most, at most 100, deepest first. */
  readonly deepest: readonly InboxBacklog[];
}

export interface Backlog {
  /**
   * As it was at most 30 s ago, or longer on a hub with so many inboxes that looking at them takes seconds.
   * @throws MeshError unavailable
   */
  totals(): Promise<BacklogTotals>;
  /** The last that is known, at once; a look that is due is started. Undefined before the first. */
  latest(): BacklogTotals | undefined;
}

/** Looks at inboxes page by page, when somebody asks. Calls that come meanwhile share the look that is under way. */
export function createBacklog(deps: {
  readonly log: MessageLog;
  readonly agents: AgentStore;
  readonly clock: Clock;
  readonly logger: Logger;
}): Backlog {
  const { log, agents, clock, logger } = deps;
  let last: Promise<BacklogTotals> | undefined;
  let known: BacklogTotals | undefined;
  let nextMs = 0;

  async function unreadOf(agentId: string): Promise<InboxBacklog> {
    const stream = inboxStream(agentId);
    const mark = await log.acked(stream, "inbox");
    const { first, end } = await log.read(stream, { from: mark, limit: 0 });
    return { agentId, unread: end.offset - Math.max(mark.offset, first.offset - 1) };
  }

  async function look(): Promise<BacklogTotals> {
    const startMs = clock.steadyMs();
    let unread = 0;
    let deepest: InboxBacklog[] = [];
    for (let after = ""; ; ) {
      const page = await agents.list(after, PAGE);
      const found = await Promise.all(page.map(({ agentId }) => unreadOf(agentId)));
      for (const inbox of found) unread += inbox.unread;
      deepest = [...deepest, ...found.filter((inbox) => inbox.unread > 0)]
        .sort((one, other) => other.unread - one.unread)
        .slice(0, DEEPEST);
      const lastAgent = page.at(-1);
      if (lastAgent === undefined || page.length < PAGE) break;
      after = lastAgent.agentId;
    }
    const nowMs = clock.steadyMs();
    nextMs = nowMs + Math.max(LEAST_AGE_MS, REST_FACTOR * (nowMs - startMs));
    known = { unread, deepest };
    return known;
  }

  function totals(): Promise<BacklogTotals> {
    if (last !== undefined && clock.steadyMs() < nextMs) return last;
    nextMs = Number.POSITIVE_INFINITY;
    last = look().catch((thrown: unknown) => {
      last = undefined;
      throw thrown;
    });
    return last;
  }

  return {
    totals,
    latest() {
      totals().catch((error: unknown) => logger.warn("backlog.not_read", { error }));
      return known;
    },
  };
}
