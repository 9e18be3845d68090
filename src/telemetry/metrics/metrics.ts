import { collectDefaultMetrics, Gauge, Registry } from "prom-client";
import type { Counts, OpenCount } from "../../model/counts.ts";
import { ERROR_CODES } from "../../model/errors.ts";
import type { LogMeter } from "../../ports/log-meter.ts";
import { createHttpMeter, type HttpMeter } from "./http-meter.ts";
import { createLogMeter } from "./log-meter.ts";
import { createMeters, type Meters, type Sample } from "./meters.ts";
import { createRpcMeter, type RpcMeter } from "./rpc-meter.ts";

/** What is asked when somebody reads the metrics, and not before. */
export interface MetricsSources {
  readonly isReady: () => boolean;
  readonly agentsOnline: () => number;
  /** The last that is known. */
  readonly unread: () => UnreadTotals | undefined;
  /** The last that is known. */
  readonly kept: () => { readonly openTasks: number; readonly deadLetters: number } | undefined;
  readonly pushes: () => { readonly open: number; readonly waiting: number };
  readonly elsewhere: () => { readonly all: number; readonly lost: number };
  readonly calls: () => { readonly running: number; readonly resting: number };
}

/** Of all inboxes. */
export interface UnreadTotals {
  readonly records: number;
  /** Of the fullest inbox. */
  readonly most: number;
}

/** The hub's metrics. */
export interface Metrics {
  readonly log: LogMeter;
  readonly http: HttpMeter;
  readonly rpc: RpcMeter;
  /** To be called once, when there is something to ask. */
  watch(sources: MetricsSources): void;
  /** All of them in Prometheus' text format. */
  render(): Promise<string>;
  readonly contentType: string;
}

/**
 * Metrics of one hub. Counters of the hot path are the plain numbers of `counts`, read when somebody asks; the rest is
 * counted once for each request or commit. Labels: adapter, engine and code, which are few and tell no names.
 */
export function createMetrics(hub: {
  readonly counts: Counts;
  readonly version: string;
  readonly logEngine: string;
}): Metrics {
  const { counts } = hub;
  const registry = new Registry();
  const meters = createMeters(registry);
  readCounts(meters, counts);
  readTasks(meters, counts);
  collectDefaultMetrics({ register: registry });
  tellBuild(registry, hub.version);
  return {
    log: createLogMeter(meters, hub.logEngine),
    http: createHttpMeter(meters, counts.streams),
    rpc: createRpcMeter(meters, counts.streams),
    watch(sources) {
      const { isReady, agentsOnline, unread } = sources;
      readOutbound(meters, sources);
      meters.reading("mesh_hub_ready", () => (isReady() ? 1 : 0));
      meters.reading("mesh_agents_online", agentsOnline);
      meters.reading("mesh_inbox_unread_records", () => unread()?.records);
      meters.reading("mesh_inbox_unread_max_records", () => unread()?.most);
      const missing = meters.missing();
      if (missing.length > 0)
        throw new Error(`metrics of the catalogue that nothing fills: ${missing.join(", ")}`);
    },
    render: () => registry.metrics(),
    contentType: registry.contentType,
  };
}

function readOutbound(meters: Meters, { kept, pushes, elsewhere, calls }: MetricsSources): void {
  meters.reading("mesh_tasks_open", () => kept()?.openTasks);
  meters.reading("mesh_dead_letters", () => kept()?.deadLetters);
  meters.reading("mesh_pushes_open", () => pushes().open);
  meters.reading("mesh_pushes_waiting", () => pushes().waiting);
  meters.readings("mesh_agents_elsewhere", () => {
    const { all, lost } = elsewhere();
    return [
      { labels: { code: "found" }, value: all - lost },
      { labels: { code: "lost" }, value: lost },
    ];
  });
  meters.reading("mesh_outbound_calls_running", () => calls().running);
  meters.reading("mesh_outbound_servers_resting", () => calls().resting);
}

function readTasks(meters: Meters, { tasks, outbound }: Counts): void {
  meters.reading("mesh_tasks_created_total", () => tasks.created);
  meters.readings("mesh_tasks_ended_total", () =>
    Object.entries(tasks.ended).map(([code, value]) => ({ labels: { code }, value })),
  );
  meters.reading("mesh_task_streams_open", () => tasks.followed);
  meters.reading("mesh_pushes_sent_total", () => outbound.pushesSent);
  meters.reading("mesh_pushes_failed_total", () => outbound.pushesFailed);
  meters.reading("mesh_pushes_dead_total", () => outbound.pushesDead);
  meters.readings("mesh_outbound_calls_total", () =>
    [...outbound.calls].map(([code, value]) => ({ labels: { code }, value })),
  );
}

function readCounts(meters: Meters, { messages, deliveries, attempts, sessions, streams }: Counts): void {
  meters.reading("mesh_messages_accepted_total", () => messages.accepted);
  meters.reading("mesh_messages_accepted_bytes_total", () => messages.acceptedBytes);
  meters.reading("mesh_messages_duplicate_total", () => messages.duplicates);
  meters.readings("mesh_messages_refused_total", () =>
    ERROR_CODES.map((code) => ({ labels: { code }, value: messages.refused[code] })),
  );
  meters.reading("mesh_records_delivered_total", () => deliveries.delivered);
  meters.reading("mesh_records_acknowledged_total", () => deliveries.acknowledged);
  meters.readings("mesh_messages_dead_total", () => [
    { labels: { code: "expired" }, value: deliveries.expired },
    { labels: { code: "failed" }, value: deliveries.failed },
  ]);
  meters.reading("mesh_receipts_dropped_total", () => deliveries.receiptsDropped);
  meters.reading("mesh_deliveries_open", () => deliveries.open);
  meters.reading("mesh_pump_pauses_total", () => deliveries.pauses);
  meters.reading("mesh_attempts_wrong_total", () => attempts.wrong);
  meters.reading("mesh_attempts_refused_total", () => attempts.refused);
  meters.readings("mesh_sessions_open", () => byAdapter(sessions, ({ opened, closed }) => opened - closed));
  meters.readings("mesh_sessions_opened_total", () => byAdapter(sessions, ({ opened }) => opened));
  meters.readings("mesh_streams_open", () => byAdapter(streams, ({ opened, closed }) => opened - closed));
}

function byAdapter(counts: ReadonlyMap<string, OpenCount>, value: (count: OpenCount) => number): Sample[] {
  return [...counts].map(([adapter, count]) => ({ labels: { adapter }, value: value(count) }));
}

/** The one metric with labels of its own, as is usual for it. */
function tellBuild(registry: Registry, version: string): void {
  new Gauge({
    name: "mesh_build_info",
    help: "1, with the version of the hub.",
    labelNames: ["version"],
    registers: [registry],
  }).set({ version }, 1);
}
