import type { MessageLog, StreamName } from "../ports/message-log.ts";
import type { PumpSource } from "./pump.ts";

/** One stream of the log, as a pump reads and watches it. */
export function sourceFromLog(log: MessageLog, stream: StreamName): PumpSource {
  return {
    read: (from, limit) => log.read(stream, { from, limit }),
    watch: (wake) => log.watch(stream, wake),
  };
}
