import { createLru } from "../model/lru.ts";
import type { Position } from "../model/position.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { MessageLog, StreamName } from "../ports/message-log.ts";
import type { MessageTracer } from "../ports/message-tracer.ts";
import type { Delivery } from "./delivery.ts";
import type { Relay } from "./relay.ts";

/** Of one acknowledgement that covers more, the newest are traced. */
const MAX_TRACED_ACKS = 500;
const KNOWN_STREAMS = 10_000;

/** The same relay, whose messages carry on the trace of their sender, or begin one. */
export function tracedRelay(relay: Relay, tracer: MessageTracer): Relay {
  return {
    send(from, input) {
      const { to, payload, traceparent } = input;
      const destination = to.startsWith("#") ? ("channel" as const) : ("inbox" as const);
      return tracer.send({ destination, payloadBytes: payload.length, traceparent }, (own) =>
        relay.send(from, { ...input, traceparent: own }),
      );
    },
  };
}

/** The log for messages alone: receipts and pointers have no trace. */
export function tracedLog(log: MessageLog, tracer: MessageTracer): Pick<MessageLog, "append"> {
  return {
    append: (stream, record) => tracer.append(stream, record.bytes, () => log.append(stream, record)),
  };
}

export interface AckTraceDeps {
  readonly tracer: MessageTracer;
  readonly log: MessageLog;
  readonly delivery: Delivery;
  readonly clock: Clock;
  readonly logger: Logger;
}

/** Tells the tracer which messages an acknowledgement covers: positions do not say, so they are read once more. */
export interface AckTrace {
  /** To be called before the mark moves; the answer, after it has moved, with where it is. */
  begin(stream: StreamName): Promise<(mark: Position) => void>;
}

export function createAckTrace({ tracer, log, delivery, clock, logger }: AckTraceDeps): AckTrace {
  /** Up to where a stream's acknowledgements are traced: two that are under way at once would tell of the same. */
  const traced = createLru<Position>({ maxWeight: KNOWN_STREAMS });

  async function tell(
    stream: StreamName,
    after: Position,
    mark: Position,
    sinceUnixMs: number,
  ): Promise<void> {
    const offset = Math.max(after.offset, mark.offset - MAX_TRACED_ACKS);
    const page = await log.read(stream, { from: { epoch: mark.epoch, offset }, limit: mark.offset - offset });
    const records = delivery.resolveNow(page.records) ?? (await delivery.resolveLater(stream, page.records));
    tracer.acknowledged(stream, records, sinceUnixMs);
  }

  return {
    async begin(stream) {
      const sinceUnixMs = clock.nowUnixMs();
      const before = await log.acked(stream, "inbox");
      return (mark) => {
        const known = traced.get(stream);
        const after = known?.epoch === mark.epoch && known.offset > before.offset ? known : before;
        if (mark.offset <= after.offset) return;
        traced.set(stream, { epoch: mark.epoch, offset: mark.offset });
        tell(stream, after, mark, sinceUnixMs).catch((error: unknown) =>
          logger.debug("ack.not_traced", { stream, error }),
        );
      };
    },
  };
}
