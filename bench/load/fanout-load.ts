import { percentile } from "../stats.ts";
import { CpuMeter } from "./cpu-meter.ts";
import type { Fanout, FanoutEvents } from "./fanout.ts";
import { openHubFanout } from "./fanout-hub.ts";
import { openJetStreamFanout } from "./fanout-jetstream.ts";
import { LanePayload } from "./payload.ts";
import type { FanoutSpec, LoadResult } from "./spec.ts";
import { guardAgainstStall } from "./stall-guard.ts";

/** One sender, many members on a connection each: first one message at a time, then several in flight. */
export async function runFanoutLoad(spec: FanoutSpec): Promise<LoadResult> {
  const run = new FanoutRun(spec);
  await run.open();
  await run.runTo(spec.warmUp, 1);
  const meter = new CpuMeter(spec.serverPid);
  await run.runTo(spec.warmUp + spec.count, 1);
  const single = meter.read();
  await run.runTo(spec.warmUp + 2 * spec.count, spec.window);
  const both = meter.read();
  const ackFromMs = performance.now();
  await run.fanout?.acknowledge();
  const ackMs = performance.now() - ackFromMs;
  run.fanout?.close();
  const deliveries = spec.count * run.members;
  return {
    metrics: {
      rate_per_s: (deliveries / (both.elapsedMs - single.elapsedMs)) * 1000,
      single_rate_per_s: (deliveries / single.elapsedMs) * 1000,
      last_p50_ms: percentile(run.lastAfterMs.slice(spec.warmUp, spec.warmUp + spec.count), 0.5),
      last_max_ms: percentile(run.lastAfterMs.slice(spec.warmUp, spec.warmUp + spec.count), 1),
      ack_all_ms: ackMs,
      server_cpu_us: (both.serverMs / (2 * deliveries)) * 1000,
      client_cpu_us: (both.clientMs / (2 * deliveries)) * 1000,
      others_cpu_cores: both.othersMs / both.elapsedMs,
    },
    faults: run.faults.slice(0, 5),
  };
}

class FanoutRun {
  fanout: Fanout | undefined;
  readonly members: number;
  readonly faults: string[] = [];
  readonly lastAfterMs: Float64Array;
  readonly #spec: FanoutSpec;
  readonly #sentAtMs: Float64Array;
  readonly #missing: Int32Array;
  readonly #next: Int32Array;
  #sent = 0;
  #done = 0;
  #arrivals = 0;
  #limit = 0;
  #window = 1;
  #phase = Promise.withResolvers<void>();

  constructor(spec: FanoutSpec) {
    const total = spec.warmUp + 2 * spec.count;
    this.#spec = spec;
    this.members = spec.target.wire === "hub" ? spec.target.members.length : spec.target.members;
    this.lastAfterMs = new Float64Array(total);
    this.#sentAtMs = new Float64Array(total);
    // A message is done when every member has it and the sender knows that it was accepted.
    this.#missing = new Int32Array(total).fill(this.members + 1);
    this.#next = new Int32Array(this.members);
  }

  async open(): Promise<void> {
    const events: FanoutEvents = {
      delivered: (member, seq) => this.#delivered(member, seq),
      accepted: (seq) => this.#arrived(seq),
      fault: (text) => void this.faults.push(text),
      failed: (error) => this.#phase.reject(error),
    };
    const { target, payloadBytes } = this.#spec;
    const payload = new LanePayload(0, payloadBytes);
    this.fanout =
      target.wire === "hub"
        ? await openHubFanout(target, payload, events)
        : await openJetStreamFanout(target, payload, events);
  }

  async runTo(limit: number, window: number): Promise<void> {
    this.#phase = Promise.withResolvers<void>();
    this.#limit = limit;
    this.#window = window;
    this.#step();
    const stop = guardAgainstStall(
      () => this.#arrivals,
      () => this.#phase.reject(new Error(this.#stallText())),
    );
    await this.#phase.promise.finally(stop);
  }

  #stallText(): string {
    const missing = this.#missing[this.#done] ?? 0;
    return [`lost: message ${this.#done} did not reach ${missing} members`, ...this.faults.slice(0, 5)].join(
      "; ",
    );
  }

  #step(): void {
    while (this.#sent < this.#limit && this.#sent - this.#done < this.#window) {
      this.#sentAtMs[this.#sent] = performance.now();
      this.fanout?.send(this.#sent++);
    }
    if (this.#done === this.#limit) this.#phase.resolve();
  }

  #delivered(member: number, seq: number): void {
    const expected = this.#next[member] ?? 0;
    if (seq !== expected) this.faults.push(`member ${member}: ${seq} came in place of ${expected}`);
    this.#next[member] = expected + 1;
    this.#arrived(expected);
  }

  #arrived(seq: number): void {
    this.#arrivals++;
    const missing = (this.#missing[seq] ?? 0) - 1;
    this.#missing[seq] = missing;
    if (missing > 0) return;
    if (missing < 0) return void this.faults.push(`message ${seq} came too often`);
    this.lastAfterMs[seq] = performance.now() - (this.#sentAtMs[seq] ?? 0);
    this.#done++;
    this.#step();
  }
}
