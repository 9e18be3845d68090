import { type Counts, openNow, refusedInAll } from "../model/counts.ts";
import type { Clock } from "../ports/clock.ts";
import type { LogUpkeep } from "../ports/log-upkeep.ts";
import type { Vitals } from "../ports/vitals.ts";
import type { Backlog } from "./backlog.ts";
import type { Census } from "./census.ts";
import { inboxStream } from "./streams.ts";

const MAX_INBOXES = 100;
const DEFAULT_INBOXES = 20;

/** What goes on in the hub now. Counters are since the start of the process: two answers make a rate. */
export interface Activity {
  readonly nowUnixMs: number;
  readonly uptimeS: number;
  readonly messagesAccepted: number;
  readonly messagesDelivered: number;
  readonly messagesAcknowledged: number;
  readonly messagesRefused: number;
  readonly bytesAccepted: number;
  readonly sessions: number;
  readonly agentsOnline: number;
  readonly residentBytes: number;
  /** Of the process, user and system. */
  readonly cpuUs: number;
  /** How late the event loop is, 99th percentile since the last answer. */
  readonly loopDelayUs: number;
  /** As it was at most 30 s ago. */
  readonly openTasks: number;
  /** The same; of all agents. */
  readonly deadLetters: number;
  /** Deepest first. */
  readonly inboxes: readonly InboxDepth[];
}

export interface InboxDepth {
  readonly agentId: string;
  readonly unread: number;
  readonly unreadBytes: number;
  readonly online: boolean;
}

export interface ActivityDeps {
  readonly counts: Counts;
  readonly vitals: Vitals;
  readonly clock: Clock;
  readonly backlog: Backlog;
  readonly census: Census;
  readonly log: LogUpkeep;
  readonly presence: { isOnline(agentId: string): boolean; onlineCount(): number };
}

/**
 * Tells what goes on. Which inboxes are the deepest is looked up as seldom as the backlog does, and how deep those
 * are is asked anew each time.
 */
export function createActivity(deps: ActivityDeps): (limit: number | undefined) => Promise<Activity> {
  const { counts, vitals, clock, backlog, census, log, presence } = deps;

  async function deepest(limit: number): Promise<readonly InboxDepth[]> {
    const known = (await backlog.fresh()).deepest;
    const depths = await Promise.all(
      known.map(async ({ agentId }) => {
        const { records, bytes } = await log.backlog(inboxStream(agentId));
        return { agentId, unread: records, unreadBytes: bytes, online: presence.isOnline(agentId) };
      }),
    );
    return depths
      .filter(({ unread }) => unread > 0)
      .sort((one, other) => other.unread - one.unread)
      .slice(0, limit);
  }

  return async (limit = 0) => {
    const { messages, deliveries, sessions, streams } = counts;
    return {
      nowUnixMs: clock.nowUnixMs(),
      uptimeS: Math.floor(vitals.uptimeS()),
      messagesAccepted: messages.accepted,
      messagesDelivered: deliveries.delivered,
      messagesAcknowledged: deliveries.acknowledged,
      messagesRefused: refusedInAll(messages),
      bytesAccepted: messages.acceptedBytes,
      sessions: openNow(sessions) + openNow(streams),
      agentsOnline: presence.onlineCount(),
      residentBytes: vitals.residentBytes(),
      cpuUs: Math.round(vitals.cpuUs()),
      loopDelayUs: Math.round(vitals.loopDelayUs()),
      ...(await census.fresh()),
      inboxes: await deepest(limit > 0 ? Math.min(Math.floor(limit), MAX_INBOXES) : DEFAULT_INBOXES),
    };
  };
}
