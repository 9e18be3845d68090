import { type BenchCase, OTHERS_CPU } from "./case.ts";
import type { Machine } from "./machine.ts";
import { QUIET_CORES } from "./quiet.ts";
import type { Measurement } from "./runner.ts";
import { formatNumber, formatSummary, summaryOf } from "./stats.ts";

export type CaseResult = {
  name: string;
  date: string;
  command: string;
  machine: Machine;
  peer: string;
  measurements: Measurement[];
};

const PREAMBLE = `# Benchmark results

Written by \`npm run bench\`; the figures of every single repetition are in \`results.json\`.

- Figures are median [min..max] over the repetitions. In one repetition the subjects run one after another, each time in another order, each with a fresh server and an empty data folder.
- Server and load client are two processes on the same machine, so a rate is one of both together; \`server CPU\` is what the server alone took. \`CPU of others\` is what everybody else on the machine took meanwhile; where only some repetitions had less than ${QUIET_CORES} cores of it, these have a row of their own, _undisturbed_.
- The disk is probed before and after each measurement: an append of 8 KiB and fdatasync, again and again; _fast_ is a p50 under 1 ms.
- A measurement with a lost, repeated, reordered or damaged message is no result: it is left out and listed.

To repeat: \`npm run bench\`, one case with \`npm run bench -- --cases ws-256\`, a short look with \`--quick\`, the hub's hot functions with \`--profile\`. The peer needs nats-server (\`apt-get install nats-server\`, or \`--install\`). \`--directory\` says where the data goes; it decides which disk is measured.
`;

export function renderResults(cases: readonly BenchCase[], results: readonly CaseResult[]): string {
  const sections = cases.flatMap((benchCase) => {
    const result = results.find(({ name }) => name === benchCase.name);
    return result === undefined ? [] : [renderCase(benchCase, result)];
  });
  return [PREAMBLE, ...sections].join("\n");
}

export function renderCase(benchCase: BenchCase, result: CaseResult): string {
  const { machine } = result;
  const lines = [
    `## ${benchCase.name}: ${benchCase.title}`,
    "",
    ...benchCase.notes.map((note) => `- ${note}`),
    "",
    `${result.date}, commit ${machine.commit}, \`${result.command}\`. ${machine.cpu}, ${machine.cores} cores, ${machine.memoryGib} GiB, ${machine.fileSystem}, ${machine.kernel}, Node ${machine.node}, ${result.peer}.`,
    "",
    ...subjectTable(benchCase, result.measurements),
    ...ratioTable(benchCase, result.measurements),
    ...faultList(result.measurements),
  ];
  return `${lines.join("\n")}\n`;
}

function subjectTable(benchCase: BenchCase, measurements: Measurement[]): string[] {
  const titles = benchCase.metrics.map(({ title, unit }) => `${title} (${unit})`);
  const head = ["", ...titles, "runs", "fdatasync p50 (ms)", "disk"];
  const rows = benchCase.subjects.flatMap(({ name }) => {
    const own = measurements.filter(({ subject, faults }) => subject === name && faults.length === 0);
    const undisturbed = own.filter(isQuiet);
    const mixed = undisturbed.length > 0 && undisturbed.length < own.length;
    return [row(name, own), ...(mixed ? [row(`${name}, undisturbed`, undisturbed)] : [])];
  });
  return table(head, rows);

  function row(name: string, own: Measurement[]): string[] {
    const figures = benchCase.metrics.map(({ key }) =>
      formatSummary(summaryOf(own.map(({ metrics }) => metrics[key] ?? Number.NaN))),
    );
    const sync = own.flatMap(({ diskBefore, diskAfter }) => [diskBefore.p50Ms, diskAfter.p50Ms]);
    return [name, ...figures, String(own.length), formatSummary(summaryOf(sync)), diskStates(own)];
  }
}

function isQuiet({ metrics }: Measurement): boolean {
  return (metrics[OTHERS_CPU.key] ?? 0) < QUIET_CORES;
}

/** How many measurements had a fast, a slow, or a changing disk. */
function diskStates(measurements: Measurement[]): string {
  const counts = new Map<string, number>();
  for (const measurement of measurements) {
    const state = diskState(measurement);
    counts.set(state, (counts.get(state) ?? 0) + 1);
  }
  return [...counts].map(([state, count]) => `${count} ${state}`).join(", ") || "-";
}

function diskState({ diskBefore, diskAfter }: Measurement): string {
  return diskBefore.state === diskAfter.state ? diskBefore.state : "changing";
}

function ratioTable(benchCase: BenchCase, measurements: Measurement[]): string[] {
  const names = new Set(benchCase.subjects.map(({ name }) => name));
  const compared = benchCase.ratios.filter(({ of, by }) => names.has(of) && names.has(by));
  if (compared.length === 0) return [];
  const quiet = measurements.filter(isQuiet);
  const rows = compared.map(({ of, by, key }) => {
    const ratios = ratiosPerRepetition(measurements, of, by, key);
    const metric = benchCase.metrics.find((candidate) => candidate.key === key);
    return [
      `${metric?.title ?? key}: ${of} / ${by}`,
      formatSummary(summaryOf(ratios)),
      ratios.map(formatNumber).join(", ") || "-",
      formatSummary(summaryOf(ratiosPerRepetition(quiet, of, by, key))),
    ];
  });
  return [
    "",
    ...table(["ratio within a repetition", "median [min..max]", "each", "undisturbed repetitions"], rows),
  ];
}

function ratiosPerRepetition(measurements: Measurement[], of: string, by: string, key: string): number[] {
  const figure = (name: string, repetition: number): number | undefined =>
    measurements.find(
      (candidate) =>
        candidate.subject === name && candidate.repetition === repetition && candidate.faults.length === 0,
    )?.metrics[key];
  const repetitions = [...new Set(measurements.map(({ repetition }) => repetition))];
  return repetitions.flatMap((repetition) => {
    const dividend = figure(of, repetition);
    const divisor = figure(by, repetition);
    return dividend === undefined || divisor === undefined ? [] : [dividend / divisor];
  });
}

function faultList(measurements: Measurement[]): string[] {
  const faulty = measurements.filter(({ faults }) => faults.length > 0);
  const items = faulty.map(({ subject, repetition, faults }) => {
    const [first = ""] = faults;
    return `- ${subject}, repetition ${repetition + 1}: ${first.split("\n", 1)[0] ?? ""}`;
  });
  return items.length === 0 ? [] : ["", "Left out:", "", ...items];
}

function table(head: string[], rows: string[][]): string[] {
  const widths = head.map((cell, at) => Math.max(3, cell.length, ...rows.map((row) => row[at]?.length ?? 0)));
  const line = (cells: string[], filler: string): string =>
    `| ${cells.map((cell, at) => cell.padEnd(widths[at] ?? 0, filler)).join(" | ")} |`;
  return [
    line(head, " "),
    line(
      head.map(() => "-"),
      "-",
    ),
    ...rows.map((row) => line(row, " ")),
  ];
}
