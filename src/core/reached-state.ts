import type { Clock } from "../ports/clock.ts";
import type { MessageLog, StreamName } from "../ports/message-log.ts";
import type { Receipts } from "./receipts.ts";

export interface ReachedStateDeps {
  readonly log: MessageLog;
  readonly clock: Clock;
  readonly receipts: Receipts;
}

/** How far the marks of an inbox say that one of its records has come; undefined = it waits there. */
export async function reachedState(
  { log, clock, receipts }: ReachedStateDeps,
  stream: StreamName,
  offset: number,
): Promise<{ readonly state: "delivered" | "read"; readonly atUnixMs: number } | undefined> {
  const [read, delivered] = await Promise.all([log.acked(stream, "inbox"), log.acked(stream, "delivered")]);
  if (read.offset >= offset) return { state: "read", atUnixMs: read.atUnixMs };
  if (delivered.offset >= offset) return { state: "delivered", atUnixMs: delivered.atUnixMs };
  // Handed over a moment ago: the mark follows within 200 ms.
  const isHanded = receipts.handedOffset(stream) >= offset;
  return isHanded ? { state: "delivered", atUnixMs: clock.nowUnixMs() } : undefined;
}
