import { percentile } from "../stats.ts";
import { CpuMeter } from "./cpu-meter.ts";
import { openHubLane } from "./hub-lane.ts";
import { createStreams, openJetStreamLane } from "./jetstream-lane.ts";
import type { Lane, LaneEvents } from "./lane.ts";
import { LanePayload } from "./payload.ts";
import { openRestLane } from "./rest-lane.ts";
import type { LaneSpec, LoadResult, WindowSpec } from "./spec.ts";
import { guardAgainstStall } from "./stall-guard.ts";
import { LaneWindow } from "./window.ts";

const UNBOUNDED_MS = 30_000;

/** Send → deliver → acknowledge with a bounded number in flight: warm-up, then the measured part. */
export async function runWindowLoad(spec: WindowSpec): Promise<LoadResult> {
  const lanes = await openLanes(spec);
  await lanes.runTo(spec.warmUp, Math.min(UNBOUNDED_MS, spec.maxMs));
  const first = lanes.windows.map((window) => window.sent);
  const meter = new CpuMeter(spec.serverPid);
  await lanes.runTo(spec.warmUp + spec.count, spec.maxMs);
  await Promise.all(lanes.windows.map((window) => window.lane?.finish()));
  const cpu = meter.read();
  const sent = lanes.windows.reduce((sum, window, at) => sum + window.sent - (first[at] ?? 0), 0);
  await Promise.all(lanes.windows.map((window) => window.lane?.verify(window.sent)));
  for (const window of lanes.windows) window.lane?.close();
  return {
    metrics: {
      rate_per_s: (sent / cpu.elapsedMs) * 1000,
      ...latencies(lanes.windows, first, spec),
      server_cpu_us: (cpu.serverMs / sent) * 1000,
      client_cpu_us: (cpu.clientMs / sent) * 1000,
      others_cpu_cores: cpu.othersMs / cpu.elapsedMs,
      messages: sent,
    },
    faults: lanes.windows.flatMap((window) => window.faults),
  };
}

type Lanes = { windows: LaneWindow[]; runTo(limit: number, maxMs: number): Promise<void> };

async function openLanes(spec: WindowSpec): Promise<Lanes> {
  let phase = Promise.withResolvers<void>();
  const options = {
    window: spec.window,
    awaitDelivery: spec.lanes.every(hasReceiver),
    onIdle: () => {
      if (windows.every((window) => window.idle)) phase.resolve();
    },
    onFailed: (error: Error) => phase.reject(error),
  };
  const windows = spec.lanes.map(() => new LaneWindow(spec.warmUp + spec.count, options));
  await prepare(spec.lanes);
  const lanes = await Promise.all(
    spec.lanes.map((lane, at) =>
      openLane(lane, new LanePayload(at, spec.payloadBytes), windows[at] ?? unreachable()),
    ),
  );
  for (const [at, window] of windows.entries()) window.lane = lanes[at];
  const runTo = async (limit: number, maxMs: number): Promise<void> => {
    phase = Promise.withResolvers<void>();
    for (const window of windows) window.start(limit, performance.now() + maxMs);
    const stop = guardAgainstStall(
      () => windows.reduce((sum, window) => sum + window.done, 0),
      (done) => phase.reject(new Error(stallText(windows, done))),
    );
    await phase.promise.finally(stop);
  };
  return { windows, runTo };
}

function stallText(windows: LaneWindow[], done: number): string {
  const sent = windows.reduce((sum, window) => sum + window.sent, 0);
  const faults = windows.flatMap((window) => window.faults).slice(0, 5);
  return [`lost: of ${sent} messages ${done} were accepted and delivered`, ...faults].join("; ");
}

async function prepare(lanes: LaneSpec[]): Promise<void> {
  const [first] = lanes;
  if (first?.wire === "jetstream") await createStreams(first.port, first.shape, lanes.length);
}

async function openLane(spec: LaneSpec, payload: LanePayload, events: LaneEvents): Promise<Lane> {
  switch (spec.wire) {
    case "hub":
      return openHubLane(spec, payload, events);
    case "jetstream":
      return openJetStreamLane({ ...spec, payload }, events);
    case "rest":
      return openRestLane(spec, payload.bytes, events);
    case "rpc":
      return (await import("./rpc-lane.ts")).openRpcLane(spec, payload, events);
  }
}

function hasReceiver(lane: LaneSpec): boolean {
  return "receive" in lane && lane.receive;
}

function latencies(windows: LaneWindow[], first: number[], spec: WindowSpec): Record<string, number> {
  const of = (times: (window: LaneWindow) => Float64Array): Float64Array =>
    Float64Array.from(
      windows.flatMap((window, at) => Array.from(times(window).subarray(first[at], window.sent))),
    );
  const accepted = of((window) => window.acceptedAfterMs);
  const metrics: Record<string, number> = {
    accept_p50_ms: percentile(accepted, 0.5),
    accept_p99_ms: percentile(accepted, 0.99),
  };
  if (!spec.lanes.every(hasReceiver)) return metrics;
  const delivered = of((window) => window.deliveredAfterMs);
  return { p50_ms: percentile(delivered, 0.5), p99_ms: percentile(delivered, 0.99), ...metrics };
}

function unreachable(): never {
  throw new Error("a window per lane");
}
