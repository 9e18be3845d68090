import { mkdirSync } from "node:fs";
import { dirname } from "node:path";
import { CliError } from "../cli-error.ts";
import { EXIT } from "../exit-code.ts";

const WAIT_MS = 10_000;

/**
 * Runs `work` while no other process does under the same lock file. An exclusive SQLite lock: it ends with its
 * process, however that ends, so nothing stale is ever left. SQLite is loaded here only, since most commands
 * write nothing.
 * @throws CliError retryable when the lock is not free within 10 s
 */
export async function withFileLock(lockPath: string, work: () => void): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  mkdirSync(dirname(lockPath), { recursive: true, mode: 0o700 });
  const lock = new DatabaseSync(lockPath);
  try {
    lock.exec(`PRAGMA busy_timeout = ${WAIT_MS}`);
    try {
      lock.exec("BEGIN EXCLUSIVE");
    } catch (cause) {
      throw new CliError(`another process holds ${lockPath}`, {
        exitCode: EXIT.retryable,
        code: "unavailable",
        hint: "try again when it is done",
        cause,
      });
    }
    work();
  } finally {
    lock.close();
  }
}
