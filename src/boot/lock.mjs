// @ts-check
import { mkdirSync, readFileSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { dirname } from "node:path";

const BEAT_MS = 2_000;
const ABANDONED_MS = 30_000;

/**
 * Runs `work` while no other process holds the lock file. A lock whose holder died, or that has not been touched for
 * half a minute, is taken over.
 *
 * @template T
 * @param {string} path
 * @param {(sentence: string) => void} say
 * @param {() => Promise<T>} work
 * @returns {Promise<T>}
 */
export async function withLock(path, say, work) {
  mkdirSync(dirname(path), { recursive: true });
  for (let tries = 0; !take(path); tries++) {
    if (tries === 10) say("another process is installing; waiting for it");
    if (isAbandoned(path)) remove(path);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  const beat = setInterval(() => touch(path), BEAT_MS);
  try {
    return await work();
  } finally {
    clearInterval(beat);
    rmSync(path, { force: true });
  }
}

/** @param {string} path */
function take(path) {
  try {
    writeFileSync(path, `${hostname()} ${process.pid}`, { flag: "wx" });
    return true;
  } catch (error) {
    if (codeOf(error) === "EEXIST") return false;
    throw error;
  }
}

/** @param {string} path */
function isAbandoned(path) {
  try {
    if (Date.now() - statSync(path).mtimeMs > ABANDONED_MS) return true;
    const [host, pid] = readFileSync(path, "utf8").split(" ");
    return host === hostname() && Boolean(pid) && !isAlive(Number(pid));
  } catch {
    return false; // It was released meanwhile.
  }
}

/** @param {number} pid */
function isAlive(pid) {
  try {
    return process.kill(pid, 0);
  } catch (error) {
    return codeOf(error) === "EPERM";
  }
}

/**
 * Of several that find the same abandoned lock, the rename lets one remove it.
 *
 * @param {string} path
 */
function remove(path) {
  const aside = `${path}.${process.pid}.tmp`;
  try {
    renameSync(path, aside);
    rmSync(aside, { force: true });
  } catch {
    // Another process was first.
  }
}

/** @param {string} path */
function touch(path) {
  try {
    const now = new Date();
    utimesSync(path, now, now);
  } catch {
    // Taken away by hand; the work goes on.
  }
}

/** @param {unknown} error */
function codeOf(error) {
  return error instanceof Error && "code" in error ? error.code : undefined;
}
