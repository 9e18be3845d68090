import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { MeshError } from "../../model/errors.ts";
import { writeFileAtomically } from "./durable-files.ts";
import { runUpgrade, UPGRADES, type Upgrade } from "./upgrades.ts";

export const FORMAT_FILE = "VERSION";

/**
 * Makes sure that the directory is of this hub's format, that of the last upgrade: an empty one becomes so, an older
 * one is brought to it step by step. Only for the holder of the lock.
 * @returns the steps that were taken, for the operator
 * @throws MeshError unavailable when it is of a newer format or of none
 */
export async function bringToFormat(
  path: string,
  upgrades: readonly Upgrade[] = UPGRADES,
): Promise<readonly string[]> {
  const newest = 1 + upgrades.length;
  const found = await formatOf(path);
  if (found === undefined) {
    if (await hasData(path)) throw unknownFormat(path, "it holds data but no VERSION file");
    await writeFormat(path, newest);
    return [];
  }
  if (found > newest || found < 1) throw otherFormat(path, found, newest);
  const taken: string[] = [];
  for (const upgrade of upgrades.slice(found - 1)) {
    await runUpgrade(path, upgrade);
    // Step by step: one that is cut off is taken again, those before it are not.
    await writeFormat(path, upgrade.from + 1);
    taken.push(`format ${upgrade.from} to ${upgrade.from + 1}: ${upgrade.what}`);
  }
  return taken;
}

/** The format of a directory; undefined when it has none. @throws MeshError unavailable when it cannot be understood */
export async function formatOf(path: string): Promise<number | undefined> {
  const text = await readFormat(path);
  if (text === undefined) return undefined;
  const format = formatFromText(text);
  if (format === undefined) throw unknownFormat(path, "its VERSION file cannot be understood");
  return format;
}

function writeFormat(path: string, format: number): Promise<void> {
  const text = `${JSON.stringify({ format })}\n`;
  return writeFileAtomically(path, { name: FORMAT_FILE, text, mode: 0o644 });
}

async function readFormat(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(path, FORMAT_FILE), "utf8");
  } catch (thrown) {
    if (isMissing(thrown)) return undefined;
    throw thrown;
  }
}

function formatFromText(text: string): number | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("format" in value)) return undefined;
  return Number.isSafeInteger(value.format) ? Number(value.format) : undefined;
}

async function hasData(path: string): Promise<boolean> {
  for (const name of ["store.sqlite", "log"]) {
    try {
      await access(join(path, name));
      return true;
    } catch (thrown) {
      if (!isMissing(thrown)) throw thrown;
    }
  }
  return false;
}

function isMissing(thrown: unknown): boolean {
  return thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT";
}

function otherFormat(path: string, format: number, newest: number): MeshError {
  return new MeshError(
    "unavailable",
    `data directory ${path} has format ${format}, this hub knows formats up to ${newest}`,
    { hint: "start the newer version of the hub that wrote it, or restore a backup of before it" },
  );
}

function unknownFormat(path: string, reason: string): MeshError {
  return new MeshError("unavailable", `data directory ${path} is of no known format: ${reason}`, {
    hint: `restore its ${FORMAT_FILE} file from a backup, or set MESHKORE_DATA_DIR to another directory`,
  });
}
