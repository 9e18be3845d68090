import { setTimeout as delay } from "node:timers/promises";
import { DiagLogLevel, diag, type Tracer } from "@opentelemetry/api";
import { OTLPTraceExporter } from "@opentelemetry/exporter-trace-otlp-http";
import { resourceFromAttributes } from "@opentelemetry/resources";
import {
  BatchSpanProcessor,
  ParentBasedSampler,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from "@opentelemetry/sdk-trace";
import type { Logger } from "../../ports/logger.ts";

export interface TracingOptions {
  /** Of an OTLP/HTTP collector, without the path. */
  readonly endpoint: string;
  /** Of the traces that begin here; the others are as their sender decided. */
  readonly ratio: number;
  readonly version: string;
  readonly hubId: string;
  readonly logger: Logger;
}

/** Spans beyond these wait for nobody: they are dropped. */
const QUEUE_SPANS = 8192;
const BATCH_SPANS = 512;
const EXPORT_EVERY_MS = 1000;
const EXPORT_TIMEOUT_MS = 5_000;
const CLOSE_MS = 3000;
const LOG_EVERY_MS = 60_000;

/** A tracer whose spans go to the collector in batches; a slow or absent collector costs spans, never messages. */
export function openExport(options: TracingOptions): { tracer: Tracer; close: () => Promise<void> } {
  const { endpoint, ratio, version, hubId, logger } = options;
  tellFailures(logger);
  const exporter = new OTLPTraceExporter({
    url: `${endpoint.replace(/\/+$/, "")}/v1/traces`,
    timeoutMillis: EXPORT_TIMEOUT_MS,
    concurrencyLimit: 4,
  });
  const provider = new TracerProvider({
    resource: resourceFromAttributes({
      "service.name": "meshkore",
      "service.version": version,
      "service.namespace": hubId,
    }),
    sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(ratio) }),
    spanProcessors: [
      new BatchSpanProcessor({
        exporter,
        maxQueueSize: QUEUE_SPANS,
        maxExportBatchSize: BATCH_SPANS,
        scheduledDelayMillis: EXPORT_EVERY_MS,
        exportTimeoutMillis: EXPORT_TIMEOUT_MS,
      }),
    ],
  });
  return {
    tracer: provider.getTracer("meshkore", version),
    async close() {
      const shutdown = provider
        .shutdown()
        .catch((error: unknown) => logger.warn("traces.not_exported", { error }));
      await Promise.race([shutdown, delay(CLOSE_MS, undefined, { ref: false })]);
    },
  };
}

/** OpenTelemetry tells its failures to a logger of the process, and would tell them with every batch. */
function tellFailures(logger: Logger): void {
  let toldMs = Number.NEGATIVE_INFINITY;
  const tell = (message: string): void => {
    const nowMs = performance.now();
    if (nowMs - toldMs < LOG_EVERY_MS) return;
    toldMs = nowMs;
    logger.warn("traces.not_exported", { reason: reasonOf(message) });
  };
  const ignore = (): void => undefined;
  diag.setLogger(
    { error: tell, warn: ignore, info: ignore, debug: ignore, verbose: ignore },
    { logLevel: DiagLogLevel.ERROR, suppressOverrideMessage: true },
  );
}

/** The message of an error that was written as JSON; its stack and what the collector said are left out. */
function reasonOf(message: string): string {
  try {
    const told: unknown = JSON.parse(message);
    const reason: unknown =
      typeof told === "object" && told !== null ? Reflect.get(told, "message") : undefined;
    return typeof reason === "string" && reason !== "" ? reason : "the collector cannot be reached";
  } catch {
    return message.slice(0, 200);
  }
}
