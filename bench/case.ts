import type { LoadResult } from "./load/spec.ts";

/** What one measurement of one subject may use; the folder is new and is removed afterwards. */
export type RunContext = {
  directory: string;
  natsServer: string;
  quick: boolean;
  /** Where the hub writes CPU profiles; undefined without --profile. */
  profileDirectory: string | undefined;
};

/** One of the things that a case compares. */
export type Subject = { name: string; run(context: RunContext): Promise<LoadResult> };

export type Metric = { key: string; title: string; unit: string };

export type BenchCase = {
  name: string;
  title: string;
  /** What is measured, how the peer is used, and what the comparison cannot say. */
  notes: string[];
  metrics: Metric[];
  subjects: Subject[];
  /** Ratios per repetition: `key` of `of` divided by `key` of `by`. */
  ratios: { of: string; by: string; key: string }[];
  /** Repetitions where the usual number is not enough, or more than enough. */
  repetitions?: number;
};

export const RATE: Metric = { key: "rate_per_s", title: "rate", unit: "/s" };
export const P50: Metric = { key: "p50_ms", title: "p50", unit: "ms" };
export const P99: Metric = { key: "p99_ms", title: "p99", unit: "ms" };
export const ACCEPT_P50: Metric = { key: "accept_p50_ms", title: "accept p50", unit: "ms" };
export const ACCEPT_P99: Metric = { key: "accept_p99_ms", title: "accept p99", unit: "ms" };
export const SERVER_CPU: Metric = { key: "server_cpu_us", title: "server CPU", unit: "µs/msg" };
export const CLIENT_CPU: Metric = { key: "client_cpu_us", title: "client CPU", unit: "µs/msg" };
export const OTHERS_CPU: Metric = { key: "others_cpu_cores", title: "CPU of others", unit: "cores" };
