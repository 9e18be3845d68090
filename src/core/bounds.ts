/** Every bound that the core keeps; the values come from the configuration. */
export interface CoreBounds {
  readonly ratePerMinute: number;
  readonly maxPayloadBytes: number;
  readonly maxHeaderBytes: number;
  readonly inboxMaxMessages: number;
  readonly inboxMaxBytes: number;
  readonly unreadMs: number;
  readonly historyMs: number;
  readonly channelMaxMembers: number;
  readonly sessionsPerAgent: number;
}

/** A repeated dedupe key is known for this long. */
export const DEDUPE_WINDOW_MS = 86_400_000;
/** In UTF-16 units. */
export const MAX_DEDUPE_KEY_LENGTH = 256;
/** Items of one page at most. */
export const MAX_PAGE = 500;
/** The longest wait of a long poll or for a reply. */
export const MAX_WAIT_MS = 60_000;

/** The limit that a caller gets: between 1 and 500. */
export function clampLimit(limit: number | undefined, fallback: number): number {
  if (limit === undefined || !Number.isFinite(limit)) return fallback;
  return Math.min(MAX_PAGE, Math.max(1, Math.floor(limit)));
}
