import type { Cleanup } from "../model/cleanup.ts";
import type { MessageTracer } from "../ports/message-tracer.ts";
import type { HubOptions } from "./hub-options.ts";

/** Undefined, and nothing of OpenTelemetry loaded, unless a collector is configured. */
export async function openTracer(
  { config, version, logger }: HubOptions,
  cleanup: Cleanup,
): Promise<MessageTracer | undefined> {
  const { otlpEndpoint: endpoint, traceRatio: ratio, hubId } = config;
  if (endpoint === undefined) return undefined;
  const { openTracing } = await import("../telemetry/tracing/tracing.ts");
  return cleanup.use(openTracing({ endpoint, ratio, version, hubId, logger })).tracer;
}
