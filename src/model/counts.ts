import { ERROR_CODES, type ErrorCode, MeshError } from "./errors.ts";

/**
 * What the hub counts of its own doing since the start of the process. Plain numbers: whoever does a thing adds to its
 * field, whoever watches reads them. So counting costs the hot path an addition, no call and no lookup.
 */
export interface Counts {
  readonly messages: MessageCounts;
  readonly deliveries: DeliveryCounts;
  readonly attempts: AttemptCounts;
  readonly tasks: TaskCounts;
  readonly outbound: OutboundCounts;
  /** By wire: connections that carry a session of an agent. */
  readonly sessions: Map<string, OpenCount>;
  /** By wire: answers that come part by part, such as server-sent events. */
  readonly streams: Map<string, OpenCount>;
}

export interface MessageCounts {
  accepted: number;
  /** Of encoded envelopes. */
  acceptedBytes: number;
  /** Sends whose dedupe key was known. */
  duplicates: number;
  /** Sends, by the code that they were refused with. */
  readonly refused: Record<ErrorCode, number>;
}

/** Of records, as inboxes hold them: messages, and receipts too. */
export interface DeliveryCounts {
  /** A record counts each time that it is handed to a reader. */
  delivered: number;
  acknowledged: number;
  /** Times that a reader was full and its pump waited until it had room again. */
  pauses: number;
  /** Live deliveries, long polls that wait included. */
  open: number;
  /** Messages that nobody read in time. */
  expired: number;
  /** Messages that their receiver could not handle. */
  failed: number;
  /** Receipts that an inbox had no room for. */
  receiptsDropped: number;
}

export interface AttemptCounts {
  /** Wrong nonces, keys and tokens. */
  wrong: number;
  /** Of calls that were answered `rate_limited` because of wrong ones before. */
  refused: number;
}

export interface TaskCounts {
  /** Repeats not counted. */
  created: number;
  /** By state. */
  readonly ended: Record<TaskEnd, number>;
  /** Tasks that are followed live now, once for each follower. */
  followed: number;
}

export type TaskEnd = "completed" | "failed" | "canceled" | "rejected";

export interface OutboundCounts {
  /** Notifications that their receiver took. */
  pushesSent: number;
  /** Attempts that failed. */
  pushesFailed: number;
  /** Configs whose delivery was given up. */
  pushesDead: number;
  /** Calls by how they ended: a class of HTTP status, or an error code. */
  readonly calls: Map<string, number>;
}

/** What is open: `opened` less `closed`. */
export interface OpenCount {
  opened: number;
  closed: number;
}

export function newCounts(): Counts {
  return {
    messages: { accepted: 0, acceptedBytes: 0, duplicates: 0, refused: zeroPerCode() },
    deliveries: {
      delivered: 0,
      acknowledged: 0,
      pauses: 0,
      open: 0,
      expired: 0,
      failed: 0,
      receiptsDropped: 0,
    },
    attempts: { wrong: 0, refused: 0 },
    tasks: {
      created: 0,
      ended: { completed: 0, failed: 0, canceled: 0, rejected: 0 },
      followed: 0,
    },
    outbound: { pushesSent: 0, pushesFailed: 0, pushesDead: 0, calls: noCalls() },
    sessions: new Map(),
    streams: new Map(),
  };
}

/** The count of this name, to be kept by whoever adds to it. */
export function openCountOf(counts: Map<string, OpenCount>, name: string): OpenCount {
  const known = counts.get(name);
  if (known !== undefined) return known;
  const count = { opened: 0, closed: 0 };
  counts.set(name, count);
  return count;
}

/** How many are open now, of all names. */
export function openNow(counts: ReadonlyMap<string, OpenCount>): number {
  let open = 0;
  for (const { opened, closed } of counts.values()) open += opened - closed;
  return open;
}

/** Sends that were refused, of all codes. */
export function refusedInAll({ refused }: MessageCounts): number {
  let sum = 0;
  for (const code of ERROR_CODES) sum += refused[code];
  return sum;
}

/** Counts a send that failed with `thrown`. */
export function noteRefused({ refused }: MessageCounts, thrown: unknown): void {
  refused[thrown instanceof MeshError ? thrown.code : "internal"] += 1;
}

/** Those that are usual are there from the start. */
function noCalls(): Map<string, number> {
  return new Map(["2xx", "3xx", "4xx", "5xx", "unavailable", "permission_denied"].map((code) => [code, 0]));
}

/** Every code by name, so that all of them have one shape and none is found by lookup in a map. */
function zeroPerCode(): Record<ErrorCode, number> {
  return {
    malformed: 0,
    invalid_argument: 0,
    unauthenticated: 0,
    permission_denied: 0,
    not_found: 0,
    already_exists: 0,
    gone: 0,
    too_large: 0,
    rate_limited: 0,
    quota_exceeded: 0,
    inbox_full: 0,
    storage_full: 0,
    unavailable: 0,
    gap: 0,
    unimplemented: 0,
    internal: 0,
    failed_precondition: 0,
  };
}
