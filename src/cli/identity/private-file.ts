import { randomBytes } from "node:crypto";
import {
  closeSync,
  fsyncSync,
  mkdirSync,
  openSync,
  realpathSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { dirname } from "node:path";

const OWNER_ONLY = 0o600;
const OWNER_ONLY_DIR = 0o700;

/**
 * Puts `text` in place at once: a reader sees the old or the new text whole, also after a power loss, and nobody
 * but the owner can read it. A symbolic link stays one. Folders that are missing are made, for the owner only.
 */
export function writePrivateFile(path: string, text: string): void {
  const target = resolveLink(path);
  mkdirSync(dirname(target), { recursive: true, mode: OWNER_ONLY_DIR });
  const draft = `${target}.${randomBytes(6).toString("hex")}.tmp`;
  try {
    // "wx" never opens what somebody else has put there, so the mode is ours.
    const file = openSync(draft, "wx", OWNER_ONLY);
    try {
      writeFileSync(file, text);
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, target);
  } catch (thrown) {
    rmSync(draft, { force: true });
    throw thrown;
  }
  syncFolder(dirname(target));
}

/** @throws what the system says when no file can be made beside `path` */
export function checkPrivateFileCanBeWritten(path: string): void {
  const folder = dirname(resolveLink(path));
  mkdirSync(folder, { recursive: true, mode: OWNER_ONLY_DIR });
  const draft = `${resolveLink(path)}.${randomBytes(6).toString("hex")}.tmp`;
  closeSync(openSync(draft, "wx", OWNER_ONLY));
  rmSync(draft, { force: true });
}

function resolveLink(path: string): string {
  try {
    return realpathSync(path);
  } catch {
    // Not there yet.
    return path;
  }
}

/** Makes the rename itself durable. */
function syncFolder(folder: string): void {
  if (process.platform === "win32") return;
  const handle = openSync(folder, "r");
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
