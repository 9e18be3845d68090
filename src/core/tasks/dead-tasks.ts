import type { DeliveryCounts } from "../../model/counts.ts";
import type { Clock } from "../../ports/clock.ts";
import type { OutcomeStore } from "../../ports/outcome-store.ts";
import type { LiveTasks } from "./live-tasks.ts";

/** Why nobody will do a task. */
export interface TaskDeath {
  readonly state: "failed" | "expired";
  readonly note: string;
}

/**
 * Puts a task among the dead messages of who gave it, by the message that gave it. To be called before the task fails,
 * so that who hears of the end finds the reason. Nothing when there is no such task.
 */
export type DeadTasks = (taskId: string, death: TaskDeath) => Promise<void>;

export function createDeadTasks(deps: {
  readonly outcomes: OutcomeStore;
  readonly clock: Clock;
  readonly live: LiveTasks;
  readonly counts: DeliveryCounts;
}): DeadTasks {
  return async (taskId, { state, note }) => {
    const live = await deps.live.find(taskId);
    if (live?.first === undefined) return;
    const { caller, worker } = live.record;
    const messageId = live.first.eventId;
    const atUnixMs = deps.clock.nowUnixMs();
    const added = await deps.outcomes.add([
      { messageId, senderId: caller, receiver: worker, state, note, atUnixMs },
    ]);
    deps.counts[state] += added.length;
  };
}
