import type { ErrorCode } from "../../model/errors.ts";
import type { LogMeter, QueueDepth } from "../../ports/log-meter.ts";
import type { Meters } from "./meters.ts";

/** What an engine says when it could not store. */
const FAILURES: readonly ErrorCode[] = ["storage_full", "unavailable", "internal"];

/** Measures the commits of the message log. */
export function createLogMeter(meters: Meters, engine: string): LogMeter {
  const labels = { engine };
  const append = meters.histogram("mesh_log_append_seconds").labels(labels);
  const commit = meters.histogram("mesh_log_commit_seconds").labels(labels);
  const records = meters.histogram("mesh_log_commit_records").labels(labels);
  const bytes = meters.counter("mesh_log_commit_bytes_total").labels(labels);
  const failures = meters.counter("mesh_log_commit_failures_total");
  // There from the start: a rate needs the 0 before the first failure.
  for (const code of FAILURES) failures.inc({ engine, code }, 0);
  let readQueue = (): QueueDepth => ({ records: 0, bytes: 0 });
  meters.readings("mesh_log_queue_records", () => [{ labels, value: readQueue().records }]);
  meters.readings("mesh_log_queue_bytes", () => [{ labels, value: readQueue().bytes }]);
  return {
    watchQueue(read) {
      readQueue = read;
    },
    committed(measured) {
      commit.observe(measured.commitMs / 1000);
      if (measured.appendMs === undefined) return;
      append.observe(measured.appendMs / 1000);
      records.observe(measured.records);
      bytes.inc(measured.bytes);
    },
    failed: (code) => failures.inc({ engine, code }),
  };
}
