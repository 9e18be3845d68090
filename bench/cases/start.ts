import { readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import type { BenchCase, RunContext, Subject } from "../case.ts";
import { startUntilLine } from "../child.ts";
import { startHub } from "../hub.ts";
import { awaitHealthy } from "../hub-admin.ts";
import type { LoadResult } from "../load/spec.ts";
import { runLoadClient } from "../load-client.ts";
import { NatsRaw } from "../peers/nats-raw.ts";
import { startNatsServer } from "../peers/nats-server.ts";
import { JETSTREAM_PUSH } from "./shape.ts";
import { runHubWindow, type WindowShape } from "./window-subjects.ts";

const ROOT = join(import.meta.dirname, "..", "..");
const REST_MS = 5000;
const READY_MS = 30_000;
const LIFE_MS = 120_000;

export const start: BenchCase = {
  name: "start",
  title: "start-up time and idle memory",
  notes: [
    "From starting the process to its ready line, and its resident memory (VmRSS) after two health checks (two PINGs for nats-server) and 5 s of rest. `filled`: a data folder that a run before left with 20,000 messages of 8 agents, all acknowledged. The hub starts by `npm start`, npm's own time included.",
    "nats-server is a compiled program with JetStream only; it is here as a yardstick.",
  ],
  metrics: [
    { key: "ready_ms", title: "ready after", unit: "ms" },
    { key: "rss_mib", title: "idle memory", unit: "MiB" },
  ],
  subjects: [
    hubStart("hub, empty", false),
    hubStart("hub, filled", true),
    natsStart("nats-server, empty", false),
    natsStart("nats-server, filled", true),
  ],
  ratios: [],
  repetitions: 10,
};

function hubStart(name: string, filled: boolean): Subject {
  const run = async (context: RunContext): Promise<LoadResult> => {
    const dataDirectory = join(context.directory, "hub");
    const options = { dataDirectory, durability: "power", profileDirectory: undefined } as const;
    if (filled) {
      const earlier = await startHub(options);
      const result = await runHubWindow(earlier, fill(context)).finally(() => earlier.child.stop());
      if (result.faults.length > 0) return result;
    }
    const hub = await npmStart(dataDirectory);
    try {
      await awaitHealthy(hub.port);
      await setTimeout(REST_MS);
      return { metrics: { ready_ms: hub.readyAfterMs, rss_mib: residentMib(hub.pid) }, faults: [] };
    } finally {
      await hub.child.stop();
    }
  };
  return { name, run };
}

/** As an operator starts it; npm hands the signal that stops it on. */
async function npmStart(dataDirectory: string) {
  const own = Object.entries(process.env).filter(([name]) => !name.startsWith("MESHKORE_"));
  const fromMs = performance.now();
  const { child, ready } = await startUntilLine(
    {
      command: "npm",
      args: ["start", "--prefix", ROOT],
      env: {
        ...Object.fromEntries(own),
        MESHKORE_HTTP_PORT: "0",
        MESHKORE_GRPC_PORT: "0",
        MESHKORE_DATA_DIR: dataDirectory,
      },
      lifeMs: LIFE_MS,
      readyMs: READY_MS,
    },
    readyHub,
  );
  return { ...ready, child, readyAfterMs: performance.now() - fromMs };
}

function readyHub(line: string): { port: number; pid: number } | undefined {
  if (!line.startsWith("{")) return undefined;
  const { event, http, pid } = JSON.parse(line) as { event?: string; http?: string; pid?: number };
  if (event !== "hub.ready" || http === undefined || pid === undefined) return undefined;
  return { port: Number(new URL(http).port), pid };
}

function natsStart(name: string, filled: boolean): Subject {
  const run = async (context: RunContext): Promise<LoadResult> => {
    const directory = join(context.directory, "nats");
    if (filled) {
      const { port, child } = await startNatsServer(context.natsServer, directory);
      const { lanes, ...load } = fill(context);
      const lane = { wire: "jetstream", port, shape: JETSTREAM_PUSH, receive: true } as const;
      await runLoadClient({ load: "window", lanes: Array(lanes).fill(lane), serverPid: child.pid, ...load });
      await child.stop();
    }
    const fromMs = performance.now();
    const { port, child } = await startNatsServer(context.natsServer, directory);
    const readyMs = performance.now() - fromMs;
    const nats = await NatsRaw.connect(port);
    await nats.roundTrip();
    await setTimeout(REST_MS);
    const result = { metrics: { ready_ms: readyMs, rss_mib: residentMib(child.pid) }, faults: [] };
    nats.close();
    await child.stop();
    return result;
  };
  return { name, run };
}

function fill({ quick }: RunContext): WindowShape {
  return { lanes: 8, window: 32, payloadBytes: 512, warmUp: 0, count: quick ? 250 : 2500, maxMs: 20_000 };
}

function residentMib(pid: number): number {
  const found = /VmRSS:\s+(\d+) kB/.exec(readFileSync(`/proc/${pid}/status`, "utf8"));
  return Number(found?.[1]) / 1024;
}
