import type { Backlog } from "../core/backlog.ts";
import type { Census } from "../core/census.ts";
import { type Counts, newCounts } from "../model/counts.ts";
import type { Registry } from "../registry/registry.ts";
import { createMetrics, type Metrics } from "../telemetry/metrics/metrics.ts";
import type { HubOptions } from "./hub-options.ts";
import type { Outbound } from "./outbound.ts";

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
  hub: {
    readonly registry: Registry;
    readonly outbound: Outbound;
    readonly backlog: Backlog;
    readonly census: Census;
    readonly isReady: () => boolean;
  },
): void {
  const { registry, outbound, backlog, census, isReady } = hub;
  metrics.watch({
    isReady,
    agentsOnline: () => registry.presence.onlineCount(),
    unread() {
      const totals = backlog.latest();
      return totals && { records: totals.unread, most: totals.deepest[0]?.unread ?? 0 };
    },
    kept: () => census.latest(),
    pushes: () => outbound.pushes.running,
    elsewhere: () => outbound.reaches.running,
    calls: () => outbound.calls(),
  });
}
