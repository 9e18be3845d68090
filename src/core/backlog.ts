import type { AgentStore } from "../ports/agent-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { MessageLog } from "../ports/message-log.ts";
import { createSlowLook, type SlowLook } from "./slow-look.ts";
import { inboxStream } from "./streams.ts";

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

/** Looking rejects with MeshError unavailable. */
export type Backlog = SlowLook<BacklogTotals>;

/** Looks at inboxes page by page, when somebody asks. */
export function createBacklog(deps: {
  readonly log: MessageLog;
  readonly agents: AgentStore;
  readonly clock: Clock;
  readonly logger: Logger;
}): Backlog {
  const { log, agents } = deps;

  async function unreadOf(agentId: string): Promise<InboxBacklog> {
    const stream = inboxStream(agentId);
    const mark = await log.acked(stream, "inbox");
    const { first, end } = await log.read(stream, { from: mark, limit: 0 });
    return { agentId, unread: end.offset - Math.max(mark.offset, first.offset - 1) };
  }

  async function look(): Promise<BacklogTotals> {
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
    return { unread, deepest };
  }

  return createSlowLook(look, { ...deps, event: "backlog.not_read" });
}
