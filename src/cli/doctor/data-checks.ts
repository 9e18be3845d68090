import { open, rm, stat, statfs } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { bytesText } from "../terminal/amount-text.ts";
import { type Finding, fail, ok, reasonOf, skip, warn } from "./finding.ts";

const ROOM_FAIL_BYTES = 67_108_864;
const ROOM_WARN_BYTES = 1_073_741_824;
const SYNCS = 20;
const SLOW_SYNC_MS = 30;
const VERY_SLOW_SYNC_MS = 500;
const OTHERS = 0o077;

/** Whether the directory is there and only its user looks into it. */
export async function checkDirectory(path: string): Promise<Finding> {
  const found = await stat(path).catch(() => undefined);
  if (found === undefined)
    return skip("data directory", `${resolve(path)} is not there yet; the first start makes it`);
  if (!found.isDirectory()) return fail("data directory", `${resolve(path)} is a file`, "move it away");
  const mode = found.mode & 0o777;
  if ((mode & OTHERS) === 0) return ok("data directory", resolve(path));
  return warn(
    "data directory",
    `${resolve(path)} has mode ${mode.toString(8)}: others may look into it`,
    `chmod 700 ${resolve(path)}`,
  );
}

/** Format, and soundness of store and log when no hub runs on them. */
export async function checkContents(path: string): Promise<Finding> {
  const { inspectDataDir } = await import("../../offline.ts");
  try {
    const facts = await inspectDataDir(path);
    if (facts.format === undefined) return skip("data", "there is none yet");
    if (facts.format > facts.newestFormat) {
      return fail(
        "data",
        `format ${facts.format}, this version knows up to ${facts.newestFormat}`,
        "start the newer version that wrote it, or restore a backup of before it",
      );
    }
    if (facts.format < facts.newestFormat) {
      return skip("data", `format ${facts.format}: the next start brings it to ${facts.newestFormat}`);
    }
    if (facts.isInUse) return skip("data", "a hub runs on it: stop it to have every page read");
    const [problem] = facts.problems;
    if (problem !== undefined) {
      const count = facts.problems.length;
      return fail("data", `${count} problems, the first: ${problem}`, "restore a backup: 'meshkore restore'");
    }
    return ok(
      "data",
      `format ${facts.format}, ${facts.agents} agents, ${facts.records} records, every page read`,
    );
  } catch (thrown) {
    return fail("data", reasonOf(thrown), "look at the disk, or restore a backup: 'meshkore restore'");
  }
}

/** Room, where the data is or will be. */
export async function checkRoom(path: string): Promise<Finding> {
  const { bavail, bsize } = await statfs(await nearest(path));
  const free = bavail * bsize;
  const detail = `${bytesText(free)} free`;
  if (free < ROOM_FAIL_BYTES)
    return fail("disk space", detail, "free some: a hub on a full disk refuses messages");
  if (free < ROOM_WARN_BYTES) return warn("disk space", detail, "free some before it is full");
  return ok("disk space", detail);
}

/** How long a write takes to be durable: each accepted message waits for one that it shares with others. */
export async function checkSync(path: string): Promise<Finding> {
  const folder = await nearest(path);
  const file = join(folder, `.meshkore-doctor-${process.pid}.tmp`);
  try {
    const handle = await open(file, "wx", 0o600);
    try {
      return findingFromSync(await medianSyncMs(handle));
    } finally {
      await handle.close();
    }
  } catch (thrown) {
    return fail("disk sync", `cannot write in ${folder}: ${reasonOf(thrown)}`, "run this as the hub's user");
  } finally {
    await rm(file, { force: true });
  }
}

async function medianSyncMs(handle: Awaited<ReturnType<typeof open>>): Promise<number> {
  const times: number[] = [];
  for (let turn = 0; turn < SYNCS; turn++) {
    await handle.write(Buffer.alloc(4096, turn), 0, 4096, turn * 4096);
    const startMs = performance.now();
    await handle.datasync();
    times.push(performance.now() - startMs);
  }
  return times.toSorted((one, other) => one - other)[SYNCS / 2] ?? 0;
}

function findingFromSync(ms: number): Finding {
  const detail = `${ms.toFixed(1)} ms (median of ${SYNCS})`;
  const hint = "use a faster disk, or MESHKORE_DURABILITY=process where losing power may lose messages";
  if (ms > VERY_SLOW_SYNC_MS) return fail("disk sync", detail, hint);
  return ms > SLOW_SYNC_MS ? warn("disk sync", detail, hint) : ok("disk sync", detail);
}

/** When the data was last written. */
export async function lastWriteUnixMs(path: string): Promise<number | undefined> {
  const found = await stat(join(path, "log", "data.mdb")).catch(() => undefined);
  return found?.mtimeMs;
}

/** The directory, or the one above it that is there. */
async function nearest(path: string): Promise<string> {
  for (let at = resolve(path); ; at = dirname(at)) {
    const found = await stat(at).catch(() => undefined);
    if (found?.isDirectory() === true || at === dirname(at)) return at;
  }
}
