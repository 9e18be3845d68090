import type { MessageTracer } from "../../ports/message-tracer.ts";
import { openExport, type TracingOptions } from "./export.ts";
import { createMessageTracer } from "./message-tracer.ts";

/** Disposing sends what is not yet sent, for at most 3 s. */
export interface Tracing extends AsyncDisposable {
  readonly tracer: MessageTracer;
}

/**
 * Traces of messages, sent to a collector in the background. To be imported only when they are wanted: it loads
 * OpenTelemetry.
 */
export function openTracing(options: TracingOptions): Tracing {
  const { tracer, close } = openExport(options);
  return { tracer: createMessageTracer(tracer), [Symbol.asyncDispose]: close };
}
