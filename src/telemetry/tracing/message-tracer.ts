import {
  type Attributes,
  type Context,
  type Link,
  ROOT_CONTEXT,
  type Span,
  type SpanContext,
  SpanKind,
  SpanStatusCode,
  TraceFlags,
  type Tracer,
  trace,
} from "@opentelemetry/api";
import { decodeEnvelope } from "../../model/envelope-codec.ts";
import { meshErrorFromUnknown } from "../../model/errors.ts";
import { createLru } from "../../model/lru.ts";
import { textFromTraceContext, traceContextFromText } from "../../model/traceparent.ts";
import type { LogRecord, StreamName } from "../../ports/message-log.ts";
import type { Destination, MessageTracer } from "../../ports/message-tracer.ts";

/** Deliveries that an acknowledgement can still be linked to. */
const KNOWN_DELIVERIES = 10_000;

/** The semantic conventions of messaging; a destination is named by its kind, since the name of an agent is its own. */
const SYSTEM: Attributes = { "messaging.system": "meshkore" };

/**
 * One trace from send to ack. `send` is the sender's span or its child; `append`, each `deliver` and `ack` are its
 * children, by what the message carries in its header, in whatever process they happen. An `ack` is linked to the
 * `deliver` before it when both happened in this process.
 */
export function createMessageTracer(tracer: Tracer): MessageTracer {
  const delivered = createLru<SpanContext>({ maxWeight: KNOWN_DELIVERIES });

  return {
    async send({ destination, payloadBytes, traceparent }, run) {
      const attributes = { "messaging.message.body.size": payloadBytes };
      const kind = SpanKind.PRODUCER;
      const options = { operation: "send", type: "send", kind, destination, attributes };
      const span = startSpan(tracer, options, contextOf(traceparent));
      return runWithin(span, async () => {
        const sent = await run(textFromSpan(span));
        span.setAttribute("messaging.message.id", sent.messageId);
        return sent;
      });
    },

    append(stream, bytes, run) {
      const { traceparent, id } = decodeEnvelope(bytes).header;
      const destination = destinationOf(stream);
      const attributes = { "messaging.message.id": id };
      const options = { operation: "append", kind: SpanKind.INTERNAL, destination, attributes };
      return runWithin(startSpan(tracer, options, contextOf(traceparent)), run);
    },

    handed(stream, records) {
      const destination = destinationOf(stream);
      forEachTraced(records, ({ record, parent, attributes }) => {
        const kind = SpanKind.CONSUMER;
        const options = { operation: "deliver", type: "receive", kind, destination, attributes };
        const span = startSpan(tracer, options, parent);
        span.end();
        delivered.set(keyOf(stream, record), span.spanContext());
      });
    },

    acknowledged(stream, records, sinceUnixMs) {
      const destination = destinationOf(stream);
      forEachTraced(records, ({ record, parent, attributes }) => {
        const delivery = delivered.get(keyOf(stream, record));
        delivered.delete(keyOf(stream, record));
        const links = delivery === undefined ? [] : [{ context: delivery }];
        const kind = SpanKind.CLIENT;
        const options = { operation: "ack", type: "settle", kind, destination, attributes, links };
        startSpan(tracer, { ...options, startTime: sinceUnixMs }, parent).end();
      });
    },
  };
}

interface SpanOptions {
  readonly operation: string;
  /** Absent = none of those that the conventions know. */
  readonly type?: string;
  readonly kind: SpanKind;
  readonly destination: Destination;
  readonly attributes: Attributes;
  readonly links?: Link[];
  /** Absent = now; ms since the Unix epoch. */
  readonly startTime?: number;
}

interface TracedRecord {
  readonly record: LogRecord;
  /** What the message carries. */
  readonly parent: Context;
  readonly attributes: Attributes;
}

/** Named after what is done and to what kind of destination. */
function startSpan(tracer: Tracer, options: SpanOptions, parent: Context): Span {
  const { operation, type, kind, destination } = options;
  const attributes: Attributes = {
    ...SYSTEM,
    "messaging.operation.name": operation,
    ...(type !== undefined && { "messaging.operation.type": type }),
    "messaging.destination.name": destination,
    ...options.attributes,
  };
  const { startTime, links } = options;
  return tracer.startSpan(
    `${operation} ${destination}`,
    {
      kind,
      attributes,
      ...(startTime !== undefined && { startTime }),
      ...(links !== undefined && { links }),
    },
    parent,
  );
}

/** A span for each message that is sampled: those that are not cost a look at their header. */
function forEachTraced(records: readonly LogRecord[], visit: (message: TracedRecord) => void): void {
  for (const record of records) {
    const { header, payload } = decodeEnvelope(record.bytes);
    const parent = traceContextFromText(header.traceparent);
    if (parent?.isSampled !== true) continue;
    const attributes = {
      "messaging.message.id": header.id,
      "messaging.message.body.size": payload.length,
      "meshkore.position": `${record.epoch}-${record.offset}`,
    };
    visit({ record, parent: contextOf(header.traceparent), attributes });
  }
}

/** Ends the span with what `run` ends with. */
async function runWithin<Result>(span: Span, run: () => Promise<Result>): Promise<Result> {
  try {
    return await run();
  } catch (thrown) {
    const { code, message } = meshErrorFromUnknown(thrown);
    span.setAttribute("error.type", code);
    span.setStatus({ code: SpanStatusCode.ERROR, message });
    throw thrown;
  } finally {
    span.end();
  }
}

/** The place that a traceparent names; a broken or absent one begins a trace. */
function contextOf(traceparent: string | undefined): Context {
  const place = traceContextFromText(traceparent);
  if (place === undefined) return ROOT_CONTEXT;
  const { traceId, spanId, isSampled } = place;
  const traceFlags = isSampled ? TraceFlags.SAMPLED : TraceFlags.NONE;
  return trace.setSpanContext(ROOT_CONTEXT, { traceId, spanId, traceFlags, isRemote: true });
}

function textFromSpan(span: Span): string {
  const { traceId, spanId, traceFlags } = span.spanContext();
  return textFromTraceContext({ traceId, spanId, isSampled: (traceFlags & TraceFlags.SAMPLED) !== 0 });
}

function destinationOf(stream: StreamName): Destination {
  return stream.startsWith("channel/") ? "channel" : "inbox";
}

function keyOf(stream: StreamName, { epoch, offset }: LogRecord): string {
  return `${stream}\n${epoch}-${offset}`;
}
