/** What all listeners have in common where the options do not say. */

/** A body that takes longer is not waited for. */
export const BODY_TIMEOUT_MS = 30_000;

/** Of a body that was answered before its end, this many times the limit is thrown away before the cut. */
export const DRAIN_FACTOR = 4;
export const DRAIN_MS = 2_000;

/** A socket that is silent for so long is dead; it is pinged before. */
export const SOCKET_SILENCE_MS = 120_000;

/** Unsent frames past the high water before the connection is cut. */
export const FRAMES_PAST_FULL = 4;

/** Time for clients to take the close frame before their connections are cut. */
export const GOODBYE_MS = 100;
export const GOODBYE_CODE = 1001;
export const GOODBYE_REASON = "the hub is going away";
