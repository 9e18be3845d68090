import type { Clock } from "../ports/clock.ts";

/** A call makes an agent count as online for this long. */
const ONLINE_MS = 60_000;
/** A call sooner than this after the last one that was noted changes nothing. */
const NOTE_EVERY_MS = 1_000;

/** Who is there now: a live session or open poll, or a call within the last 60 s (give or take one second). */
export interface Presence {
  /** The agent made a call. */
  seen(agentId: string): void;
  /** The agent has a session or poll open until the answer is called; calling it again does nothing. */
  attached(agentId: string): () => void;
  isOnline(agentId: string): boolean;
  onlineCount(): number;
  /** Agents that are online, in no order, at most `limit`. */
  onlineIds(limit: number): readonly string[];
  /** The agent is gone: what it still has open counts no more. */
  forget(agentId: string): void;
}

export function createPresence(clock: Clock): Presence {
  // In the order of the calls: those that ran out are in front.
  const seenMs = new Map<string, number>();
  const open = new Map<string, number>();

  function seen(agentId: string): void {
    const nowMs = clock.steadyMs();
    const lastMs = seenMs.get(agentId);
    if (lastMs !== undefined) {
      if (nowMs - lastMs < NOTE_EVERY_MS) return;
      seenMs.delete(agentId);
    }
    seenMs.set(agentId, nowMs);
    dropEnded(nowMs, 2);
  }

  /** Seeing drops a few, so that the map never grows by those who left; counting drops all. */
  function dropEnded(nowMs: number, most: number): void {
    let dropped = 0;
    for (const [agentId, lastMs] of seenMs) {
      if (dropped === most || nowMs - lastMs < ONLINE_MS) return;
      seenMs.delete(agentId);
      dropped += 1;
    }
  }

  return {
    seen,
    attached(agentId) {
      open.set(agentId, (open.get(agentId) ?? 0) + 1);
      let isOpen = true;
      return () => {
        const count = open.get(agentId);
        if (!isOpen || count === undefined) return;
        isOpen = false;
        if (count > 1) open.set(agentId, count - 1);
        else open.delete(agentId);
        seen(agentId);
      };
    },
    isOnline(agentId) {
      const lastMs = seenMs.get(agentId);
      return open.has(agentId) || (lastMs !== undefined && clock.steadyMs() - lastMs < ONLINE_MS);
    },
    onlineCount() {
      dropEnded(clock.steadyMs(), Number.POSITIVE_INFINITY);
      let count = seenMs.size;
      for (const agentId of open.keys()) if (!seenMs.has(agentId)) count += 1;
      return count;
    },
    onlineIds(limit) {
      dropEnded(clock.steadyMs(), Number.POSITIVE_INFINITY);
      const ids = [...open.keys().take(limit)];
      for (const agentId of seenMs.keys()) {
        if (ids.length >= limit) break;
        if (!open.has(agentId)) ids.push(agentId);
      }
      return ids;
    },
    forget(agentId) {
      seenMs.delete(agentId);
      open.delete(agentId);
    },
  };
}
