import type { Position } from "../model/position.ts";
import type { MessageLog, StreamName } from "../ports/message-log.ts";
import type { PumpSource } from "./pump.ts";

const SAFETY_READ_MS = 15_000;

/** One stream of the log, as a pump reads and watches it. */
export function sourceFromLog(log: MessageLog, stream: StreamName): PumpSource {
  return {
    read: (from, limit) => log.read(stream, { from, limit }),
    watch: (wake) => log.watch(stream, wake),
  };
}

/** How often a pump reads though nothing woke it: undefined where wakes are not lost. */
export function safetyReadMsOf({ traits }: Pick<MessageLog, "traits">): number | undefined {
  return traits.lossyWakes ? SAFETY_READ_MS : undefined;
}

/** The position, or, where retention has passed it, the one before what is still kept; `isPassed` says which. */
export async function keptPosition(
  log: MessageLog,
  stream: StreamName,
  { epoch, offset }: Position,
): Promise<Position & { readonly isPassed: boolean }> {
  const { gap, first } = await log.read(stream, { from: { epoch, offset }, limit: 0 });
  return gap
    ? { epoch: first.epoch, offset: first.offset - 1, isPassed: true }
    : { epoch, offset, isPassed: false };
}
