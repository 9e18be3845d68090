import type { LogRecord } from "../ports/message-log.ts";

/** Behind the last record, from `start` on, that fits into `roomBytes` with those before it. */
export function endOfFitting(records: readonly LogRecord[], start: number, roomBytes: number): number {
  let left = roomBytes;
  let end = start;
  for (; end < records.length; end++) {
    left -= records[end]?.bytes.length ?? 0;
    if (left < 0) break;
  }
  return end;
}
