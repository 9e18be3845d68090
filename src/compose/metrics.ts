import type { Backlog } from "../core/backlog.ts";
import { type Counts, newCounts } from "../model/counts.ts";
import type { Registry } from "../registry/registry.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics/metrics.ts";
import type { HubOptions } from "./hub-options.ts";

/** The engine of the log, as metrics name it. */
const LOG_ENGINE = "embedded";

export interface HubMetrics {
  readonly counts: Counts;
  readonly metrics: Metrics;
}

/** Before anything that counts is built. */
export function createHubMetrics({ version }: HubOptions): HubMetrics {
  const counts = newCounts();
  return { counts, metrics: createMetrics({ counts, version, logEngine: LOG_ENGINE }) };
}

/** Tells the metrics whom to ask for what nobody counts. */
export function watchHub(
  metrics: Metrics,
  hub: { readonly registry: Registry; readonly backlog: Backlog; readonly isReady: () => boolean },
): void {
  const { registry, backlog, isReady } = hub;
  metrics.watch({
    isReady,
    agentsOnline: () => registry.presence.onlineCount(),
    unread() {
      const totals = backlog.latest();
      return totals && { records: totals.unread, most: totals.deepest[0]?.unread ?? 0 };
    },
  });
}
