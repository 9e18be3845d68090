import {
  ACCEPT_P50,
  ACCEPT_P99,
  type BenchCase,
  CLIENT_CPU,
  OTHERS_CPU,
  RATE,
  type RunContext,
  SERVER_CPU,
} from "../case.ts";
import type { Hub } from "../hub.ts";
import { joinAgents } from "../hub-admin.ts";
import type { LaneSpec, LoadResult } from "../load/spec.ts";
import { runLoadClient } from "../load-client.ts";
import { JETSTREAM_PUSH } from "./shape.ts";
import { NODE_LISTENER, withHub } from "./subjects.ts";
import { jetStreamWindow, type WindowShape } from "./window-subjects.ts";

export const restSend: BenchCase = {
  name: "rest-send",
  title: "POST /send over 16 keep-alive connections",
  notes: [
    "16 connections, one request in flight on each, a JSON text of 512 bytes; every inbox is read back afterwards and must hold every message once and in order.",
    "JetStream has no HTTP: its row is the same load by its own protocol (16 connections, one publish in flight on each), which is not the same kind of work. It tells how far a JSON request is from a bare publish, not which server is better.",
  ],
  metrics: [RATE, ACCEPT_P50, ACCEPT_P99, SERVER_CPU, CLIENT_CPU, OTHERS_CPU],
  subjects: [
    { name: "hub", run: (context) => withHub(context, "power", (hub) => runRest(hub, shape(context))) },
    {
      name: "hub, process",
      run: (context) => withHub(context, "process", (hub) => runRest(hub, shape(context))),
    },
    {
      name: "hub, process, node listener",
      run: (context) => withHub(context, "process", (hub) => runRest(hub, shape(context)), NODE_LISTENER),
    },
    jetStreamWindow("JetStream publish", JETSTREAM_PUSH, (context) => ({
      ...shape(context),
      receive: false,
    })),
  ],
  ratios: [
    { of: "hub", by: "JetStream publish", key: "rate_per_s" },
    { of: "hub, process, node listener", by: "hub, process", key: "rate_per_s" },
  ],
};

async function runRest(hub: Hub, { lanes, ...load }: WindowShape): Promise<LoadResult> {
  const senders = await joinAgents(hub, "sender", lanes);
  const receivers = await joinAgents(hub, "receiver", lanes);
  const specs = senders.flatMap((sender, at): LaneSpec[] => {
    const receiver = receivers[at];
    return receiver === undefined ? [] : [{ wire: "rest", port: hub.port, sender, receiver }];
  });
  return runLoadClient({ load: "window", lanes: specs, serverPid: hub.child.pid, ...load });
}

function shape({ quick }: RunContext): WindowShape {
  const warmUp = quick ? 100 : 500;
  return { lanes: 16, window: 1, payloadBytes: 512, warmUp, count: quick ? 400 : 2500, maxMs: 10_000 };
}
