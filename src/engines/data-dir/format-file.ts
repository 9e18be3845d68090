import { access, readFile } from "node:fs/promises";
import { join } from "node:path";
import { MeshError } from "../../model/errors.ts";
import { writeFileAtomically } from "./durable-files.ts";

const FILE_NAME = "VERSION";
/** Rises when a hub of an older version must not touch the directory any more. */
const FORMAT = 1;

/**
 * Makes sure that the directory is of this format; an empty one becomes so. Only for the holder of the lock.
 * @throws MeshError unavailable
 */
export async function checkFormat(path: string): Promise<void> {
  const text = await readFormat(path);
  if (text === undefined) {
    if (await hasData(path)) throw unknownFormat(path, "it holds data but no VERSION file");
    await writeFileAtomically(path, {
      name: FILE_NAME,
      text: `${JSON.stringify({ format: FORMAT })}\n`,
      mode: 0o644,
    });
    return;
  }
  const format = formatFromText(text);
  if (format === undefined) throw unknownFormat(path, "its VERSION file cannot be understood");
  if (format !== FORMAT) throw otherFormat(path, format);
}

async function readFormat(path: string): Promise<string | undefined> {
  try {
    return await readFile(join(path, FILE_NAME), "utf8");
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

function otherFormat(path: string, format: number): MeshError {
  return new MeshError(
    "unavailable",
    `data directory ${path} has format ${format}, this hub needs ${FORMAT}`,
    {
      hint: "start the version of the hub that wrote it, or set MESHKORE_DATA_DIR to another directory",
    },
  );
}

function unknownFormat(path: string, reason: string): MeshError {
  return new MeshError("unavailable", `data directory ${path} is of no known format: ${reason}`, {
    hint: `restore its ${FILE_NAME} file from a backup, or set MESHKORE_DATA_DIR to another directory`,
  });
}
