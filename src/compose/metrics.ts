import { createBacklog } from "../core/backlog.ts";
import { type Counts, newCounts } from "../model/counts.ts";
import type { MessageLog } from "../ports/message-log.ts";
import type { Stores } from "../ports/stores.ts";
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
  { clock, logger }: HubOptions,
  hub: {
    readonly log: MessageLog;
    readonly stores: Stores;
    readonly registry: Registry;
    readonly isReady: () => boolean;
  },
): void {
  const { log, stores, registry, isReady } = hub;
  const backlog = createBacklog({ log, agents: stores.agents, clock, logger });
  metrics.watch({
    isReady,
    agentsOnline: () => registry.presence.onlineCount(),
    unread() {
      const totals = backlog.latest();
      return totals && { records: totals.unread, most: totals.deepest[0]?.unread ?? 0 };
    },
  });
}
