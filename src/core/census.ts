import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { OutcomeStore } from "../ports/outcome-store.ts";
import type { TaskStore } from "../ports/task-store.ts";
import { createSlowLook, type SlowLook } from "./slow-look.ts";

/** How much there is of what is kept in tables. */
export interface CensusTotals {
  /** Tasks that have not ended. */
  readonly openTasks: number;
  /** What failed or expired and can still be redriven: messages, tasks and push notifications of all agents. */
  readonly deadLetters: number;
}

export type Census = SlowLook<CensusTotals>;

export function createCensus(deps: {
  readonly tasks: Pick<TaskStore, "list">;
  readonly outcomes: Pick<OutcomeStore, "countDead">;
  readonly clock: Clock;
  readonly logger: Logger;
}): Census {
  return createSlowLook(
    async () => {
      const [{ total }, deadLetters] = await Promise.all([
        deps.tasks.list({ isUnsettled: true, limit: 0 }),
        deps.outcomes.countDead(),
      ]);
      return { openTasks: total, deadLetters };
    },
    { ...deps, event: "census.not_taken" },
  );
}
