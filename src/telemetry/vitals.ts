import { monitorEventLoopDelay } from "node:perf_hooks";
import type { Vitals } from "../ports/vitals.ts";

/** How often the loop is looked at: what it is late by less than this is noise. */
const LOOP_RESOLUTION_MS = 10;

/** What the process says of itself. Costs a timer, from the first question for the loop's delay on. */
export function createVitals(process: Pick<NodeJS.Process, "uptime" | "memoryUsage" | "cpuUsage">): Vitals {
  let loop: ReturnType<typeof monitorEventLoopDelay> | undefined;
  return {
    uptimeS: () => process.uptime(),
    residentBytes: () => process.memoryUsage.rss(),
    cpuUs() {
      const { user, system } = process.cpuUsage();
      return user + system;
    },
    loopDelayUs() {
      if (loop === undefined) {
        loop = monitorEventLoopDelay({ resolution: LOOP_RESOLUTION_MS });
        loop.enable();
        return 0;
      }
      // The timer's own period is in each measure. Without any, the percentile is no number.
      const lateUs = loop.percentile(99) / 1000 - LOOP_RESOLUTION_MS * 1000;
      loop.reset();
      return Number.isFinite(lateUs) ? Math.max(0, Math.round(lateUs)) : 0;
    },
  };
}
