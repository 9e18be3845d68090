import { setTimeout } from "node:timers/promises";
import { percentile } from "../stats.ts";
import { CpuMeter } from "./cpu-meter.ts";
import { openAll } from "./open-all.ts";
import { residentBytes } from "./resident-bytes.ts";
import type { LoadResult, TasksSpec } from "./spec.ts";
import { createDialect, type TaskDialect, TaskHttp } from "./task-client.ts";

const TEXT = "b".repeat(512);

/** Tasks given, followed to their end, or followed and at rest. */
export async function runTasksLoad(spec: TasksSpec): Promise<LoadResult> {
  const http = new TaskHttp(spec.port);
  const dialect = createDialect(spec, http);
  try {
    if (spec.mode === "hold") return await hold(spec, dialect);
    const one = spec.mode === "give" ? giver(dialect) : follower(spec, dialect, http);
    await repeat(spec, spec.warmUp, one);
    const meter = new CpuMeter(spec.serverPid);
    const tookMs = await repeat(spec, spec.count, one);
    const cpu = meter.read();
    return {
      metrics: {
        rate_per_s: (spec.count / cpu.elapsedMs) * 1000,
        p50_ms: percentile(tookMs, 0.5),
        p99_ms: percentile(tookMs, 0.99),
        server_cpu_us: (cpu.serverMs / spec.count) * 1000,
        client_cpu_us: (cpu.clientMs / spec.count) * 1000,
        others_cpu_cores: cpu.othersMs / cpu.elapsedMs,
      },
      faults: [],
    };
  } finally {
    http.close();
  }
}

type One = (lane: number, spec: TasksSpec) => Promise<void>;

/** `count` of them, as many at once as there are callers; how long each took. */
async function repeat(spec: TasksSpec, count: number, one: One): Promise<Float64Array> {
  const tookMs = new Float64Array(count);
  const numbers = tookMs.keys();
  const lane = async (_caller: unknown, at: number): Promise<void> => {
    for (const number of numbers) {
      const fromMs = performance.now();
      await one(at, spec);
      tookMs[number] = performance.now() - fromMs;
    }
  };
  await Promise.all(spec.callers.map(lane));
  return tookMs;
}

function pair({ callers, workers }: TasksSpec, at: number) {
  const caller = callers[at % callers.length];
  const worker = workers[at % workers.length];
  if (caller === undefined || worker === undefined) throw new Error("nobody to give a task to");
  return { caller, worker };
}

function giver(dialect: TaskDialect): One {
  return async (at, spec) => {
    const { caller, worker } = pair(spec, at);
    await dialect.give(caller, worker, TEXT);
  };
}

/** The worker's side goes over REST in every dialect: pieces of an artifact, then the end. */
function follower(spec: TasksSpec, dialect: TaskDialect, http: TaskHttp): One {
  const work = async (token: string, id: string): Promise<void> => {
    const path = `/tasks/${id}/messages`;
    for (let piece = 0; piece < spec.pieces; piece++) {
      const body = { payload: TEXT, artifact: { artifact_id: "a", append: true } };
      await http.json({ method: "POST", path, token, body });
    }
    await http.json({ method: "POST", path, token, body: { status: "completed" } });
  };
  return async (at) => {
    const { caller, worker } = pair(spec, at);
    let working: Promise<void> = Promise.reject(new Error("the stream did not begin"));
    working.catch(() => undefined);
    const events = await dialect.giveAndFollow(caller, worker, TEXT, (id) => {
      working = work(worker.token, id);
    });
    await working;
    // The task, its pieces, its end.
    if (events !== spec.pieces + 2) throw new Error(`${events} events in place of ${spec.pieces + 2}`);
  };
}

/** Streams of one task each that say nothing. */
async function hold(spec: TasksSpec, dialect: TaskDialect): Promise<LoadResult> {
  const numbers = Array.from({ length: spec.count }, (_, at) => at);
  const ids = await openAll(numbers, (at) => {
    const { caller, worker } = pair(spec, at);
    return dialect.give(caller, worker, TEXT);
  });
  const open = (id: string, at: number) => {
    const { caller, worker } = pair(spec, at);
    return dialect.follow(caller, worker, id);
  };
  for (const call of await openAll(ids.slice(0, spec.warmUp), open)) call.destroy();
  await setTimeout(spec.restMs);
  const before = residentBytes(spec.serverPid);
  const fromMs = performance.now();
  const calls = await openAll(ids, open);
  const openedMs = performance.now() - fromMs;
  await setTimeout(spec.restMs);
  const after = residentBytes(spec.serverPid);
  for (const call of calls) call.destroy();
  return {
    metrics: {
      stream_kib: (after - before) / spec.count / 1024,
      opened_per_s: spec.count / (openedMs / 1000),
    },
    faults: [],
  };
}
