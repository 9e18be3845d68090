import {
  ACCEPT_P50,
  type BenchCase,
  OTHERS_CPU,
  P50,
  P99,
  RATE,
  type RunContext,
  SERVER_CPU,
} from "../case.ts";
import { JETSTREAM_PULL, JETSTREAM_PUSH } from "./shape.ts";
import { hubWindow, jetStreamWindow, type WindowShape } from "./window-subjects.ts";

export const ws1: BenchCase = {
  name: "ws-1",
  title: "send → deliver, one in flight",
  notes: [
    "One sender, one receiver, one message of 512 bytes in flight: the time of an unloaded hub from send to delivery.",
    "`p50 less sync` is the p50 without the fdatasync p50 of the disk, probed before and after: what the software adds. JetStream and `hub, process` wait for no sync, so it means nothing for them.",
  ],
  metrics: [
    P50,
    P99,
    ACCEPT_P50,
    { key: "less_sync_ms", title: "p50 less sync", unit: "ms" },
    RATE,
    SERVER_CPU,
    OTHERS_CPU,
  ],
  subjects: [
    hubWindow("hub", "power", shape),
    hubWindow("hub, process", "process", shape),
    jetStreamWindow("JetStream, push", JETSTREAM_PUSH, shape),
    jetStreamWindow("JetStream, pull", JETSTREAM_PULL, shape),
  ],
  ratios: [
    { of: "hub", by: "JetStream, push", key: "p50_ms" },
    { of: "hub, process", by: "JetStream, push", key: "p50_ms" },
  ],
};

function shape({ quick }: RunContext): WindowShape {
  const warmUp = quick ? 300 : 1000;
  return { lanes: 1, window: 1, payloadBytes: 512, warmUp, count: quick ? 1000 : 5000, maxMs: 6000 };
}
