import { readdirSync, readFileSync } from "node:fs";
import { basename, join } from "node:path";

type CpuProfile = {
  nodes: { id: number; callFrame: { functionName: string; url: string; lineNumber: number } }[];
  samples: number[];
  timeDeltas: number[];
};

type SelfTime = { name: string; selfMs: number };

const TOP = 30;
const NOT_WORK = new Set(["(idle)", "(root)"]);

/** The functions with the most self time over the hub's whole life: a table per subject and thread. */
export function renderProfiles(directory: string): string {
  return readdirSync(directory)
    .map((subject) => `${subject}\n${renderSubject(join(directory, subject))}`)
    .join("\n");
}

function renderSubject(directory: string): string {
  const files = readdirSync(directory).filter((file) => file.endsWith(".cpuprofile"));
  if (files.length === 0) return "No profile was written: the hub did not end by itself after SIGTERM.\n";
  return files.map((file) => renderProfile(join(directory, file))).join("\n");
}

function renderProfile(path: string): string {
  const times = selfTimes(JSON.parse(readFileSync(path, "utf8")) as CpuProfile);
  const busyMs = times.reduce((sum, { selfMs }) => sum + selfMs, 0);
  const lines = times.slice(0, TOP).map(({ name, selfMs }) => {
    const share = ((selfMs / busyMs) * 100).toFixed(1).padStart(5);
    return `${share} %  ${selfMs.toFixed(0).padStart(6)} ms  ${name}`;
  });
  return [`${basename(path)}: ${busyMs.toFixed(0)} ms busy`, ...lines, ""].join("\n");
}

function selfTimes(profile: CpuProfile): SelfTime[] {
  const names = new Map(profile.nodes.map(({ id, callFrame }) => [id, nameOf(callFrame)]));
  const byName = new Map<string, number>();
  for (const [at, id] of profile.samples.entries()) {
    const name = names.get(id) ?? "(unknown)";
    if (NOT_WORK.has(name)) continue;
    byName.set(name, (byName.get(name) ?? 0) + (profile.timeDeltas[at] ?? 0) / 1000);
  }
  return [...byName].map(([name, selfMs]) => ({ name, selfMs })).sort((a, b) => b.selfMs - a.selfMs);
}

function nameOf({ functionName, url, lineNumber }: CpuProfile["nodes"][number]["callFrame"]): string {
  const place = url.replace(/^file:\/\//, "").replace(/^.*\/(?=(src|node_modules|adapters)\/)/, "");
  const name = functionName === "" ? "(anonymous)" : functionName;
  return place === "" ? name : `${name}  ${place}:${lineNumber + 1}`;
}
