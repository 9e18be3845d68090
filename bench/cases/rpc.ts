import { join } from "node:path";
import {
  ACCEPT_P50,
  ACCEPT_P99,
  type BenchCase,
  CLIENT_CPU,
  OTHERS_CPU,
  RATE,
  type RunContext,
  SERVER_CPU,
  type Subject,
} from "../case.ts";
import { startUntilLine } from "../child.ts";
import type { HubOptions } from "../hub.ts";
import { joinAgents } from "../hub-admin.ts";
import type { LaneSpec, WindowSpec } from "../load/spec.ts";
import { runLoadClient } from "../load-client.ts";
import { withHub } from "./subjects.ts";

const SERVER = join(import.meta.dirname, "..", "rpc-server.ts");
const LIFE_MS = 120_000;
const READY_MS = 30_000;
const LANES = 8;

type RpcMode = Extract<LaneSpec, { wire: "rpc" }>["mode"];

/** Messages of each lane: one to two seconds. */
const PER_LANE: Readonly<Record<RpcMode, number>> = {
  unary: 1500,
  echo: 7500,
  "batched-echo": 75_000,
  session: 30_000,
};

export const rpc: BenchCase = {
  name: "rpc",
  title: "gRPC: libraries, and what batched frames are worth",
  notes: [
    "8 connections by the official client @grpc/grpc-js, messages of 512 bytes. `unary` are servers that answer Send at once and do nothing else, 8 calls in flight on each connection: @grpc/grpc-js as the hub's gRPC port uses it, and the HTTP/2 handler of @connectrpc/connect-node. `echo` is a bidirectional stream of the first, one message per frame, 256 in flight on each connection; `batched echo` is the same server and stream, with all that one turn of the loop has to say in one frame: what batching alone is worth.",
    "`hub session` is RelayService.Session of a real hub on the same library: the same messages, as many in flight, in batched frames; each is checked, stored in an inbox and answered for itself. It does far more per message than an echo; what is left of the gain is limited by that work.",
    "The client is one process and takes part in every rate; `server CPU` is what the server alone took.",
  ],
  metrics: [RATE, ACCEPT_P50, ACCEPT_P99, SERVER_CPU, CLIENT_CPU, OTHERS_CPU],
  subjects: [
    wireOnly("grpc-js unary", "grpc-js", "unary"),
    wireOnly("connect-node unary", "connect-node", "unary"),
    wireOnly("grpc-js echo", "grpc-js", "echo"),
    wireOnly("grpc-js batched echo", "grpc-js", "batched-echo"),
    hubSession("hub session", "power"),
    hubSession("hub session, process", "process"),
  ],
  ratios: [
    { of: "grpc-js unary", by: "connect-node unary", key: "rate_per_s" },
    { of: "grpc-js unary", by: "connect-node unary", key: "server_cpu_us" },
    { of: "grpc-js batched echo", by: "grpc-js echo", key: "rate_per_s" },
    { of: "hub session", by: "grpc-js echo", key: "rate_per_s" },
    { of: "hub session, process", by: "grpc-js echo", key: "rate_per_s" },
  ],
};

function wireOnly(name: string, library: string, mode: Exclude<RpcMode, "session">): Subject {
  return {
    name,
    async run(context) {
      const { child, ready: port } = await startUntilLine(
        { command: process.execPath, args: [SERVER, library], lifeMs: LIFE_MS, readyMs: READY_MS },
        (line) => (line.startsWith("{") ? Number(Object(JSON.parse(line)).port) : undefined),
      );
      try {
        const lane: LaneSpec = { wire: "rpc", mode, port };
        const lanes = Array<LaneSpec>(LANES).fill(lane);
        return await runLoadClient({ ...shape(context, mode), lanes, serverPid: child.pid });
      } finally {
        await child.stop();
      }
    },
  };
}

function hubSession(name: string, durability: HubOptions["durability"]): Subject {
  return {
    name,
    run: (context) =>
      withHub(context, durability, async (hub) => {
        const senders = await joinAgents(hub, "sender", LANES);
        await joinAgents(hub, "receiver", LANES);
        const lanes = senders.map(
          ({ token }, at): LaneSpec => ({
            wire: "rpc",
            mode: "session",
            port: hub.grpcPort,
            sender: { token, receiver: `receiver-${at}` },
          }),
        );
        return runLoadClient({ ...shape(context, "session"), lanes, serverPid: hub.child.pid });
      }),
  };
}

function shape({ quick }: RunContext, mode: RpcMode): Omit<WindowSpec, "lanes" | "serverPid"> {
  const count = Math.round(PER_LANE[mode] * (quick ? 0.1 : 1));
  const window = mode === "unary" ? 8 : 256;
  return { load: "window", window, payloadBytes: 512, warmUp: Math.round(count / 3), count, maxMs: 8000 };
}
