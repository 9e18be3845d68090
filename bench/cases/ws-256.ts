import {
  ACCEPT_P50,
  type BenchCase,
  CLIENT_CPU,
  OTHERS_CPU,
  P50,
  P99,
  RATE,
  type RunContext,
  SERVER_CPU,
} from "../case.ts";
import { JETSTREAM_PULL, JETSTREAM_PUSH } from "./shape.ts";
import { NODE_LISTENER } from "./subjects.ts";
import { hubWindow, jetStreamWindow, type WindowShape } from "./window-subjects.ts";

export const ws256: BenchCase = {
  name: "ws-256",
  title: "send → deliver → acknowledge, 256 in flight",
  notes: [
    "8 senders and 8 receivers, a connection each, 32 messages of 512 bytes in flight per sender; a slot is free again when its message was accepted and delivered. Receivers acknowledge once per turn of their loop.",
    "Hub: binary WebSocket frames, protobuf. `hub` accepts a message after fdatasync, `hub, process` after write. JetStream: file storage, a stream and a durable consumer per sender, the two fastest shapes of `peer-shapes`. It acknowledges a publish after write and before any sync (strace saw 16,808 writes and no fsync or fdatasync for 16,000 messages), so the like-for-like row is `hub, process`; `hub` promises more.",
    "The load client is one Node process for either, written on bare sockets, with the same window, checks and batching. Count, order, repeats, bytes, positions and the committed acknowledgement are checked.",
    "Receipts are off (`no_receipts`), since JetStream has nothing like them.",
  ],
  metrics: [RATE, P50, P99, ACCEPT_P50, SERVER_CPU, CLIENT_CPU, OTHERS_CPU],
  subjects: [
    hubWindow("hub", "power", shape),
    hubWindow("hub, process", "process", shape),
    hubWindow("hub, process, node listener", "process", shape, NODE_LISTENER),
    jetStreamWindow("JetStream, push", JETSTREAM_PUSH, shape),
    jetStreamWindow("JetStream, pull", JETSTREAM_PULL, shape),
  ],
  ratios: [
    { of: "hub, process, node listener", by: "hub, process", key: "rate_per_s" },
    { of: "hub", by: "JetStream, push", key: "rate_per_s" },
    { of: "hub", by: "JetStream, pull", key: "rate_per_s" },
    { of: "hub, process", by: "JetStream, push", key: "rate_per_s" },
    { of: "hub", by: "JetStream, push", key: "server_cpu_us" },
    { of: "hub", by: "JetStream, push", key: "p99_ms" },
  ],
};

function shape({ quick }: RunContext): WindowShape {
  const count = quick ? 3000 : 20_000;
  return { lanes: 8, window: 32, payloadBytes: 512, warmUp: quick ? 1000 : 4000, count, maxMs: 20_000 };
}
