import { MeshError } from "../../model/errors.ts";

const NO_ROOM: ReadonlySet<string> = new Set(["ENOSPC", "EDQUOT"]);
const NO_RIGHT: ReadonlySet<string> = new Set(["EACCES", "EPERM", "EROFS"]);
const NO_DIRECTORY: ReadonlySet<string> = new Set(["ENOTDIR", "EEXIST"]);

/** Says what the system refused to do with the data directory, in words that an operator can act on. */
export function dataDirError(path: string, action: string, thrown: unknown): MeshError {
  if (thrown instanceof MeshError) return thrown;
  const code = systemCode(thrown);
  const message = `cannot ${action} the data directory ${path}: ${code}`;
  if (NO_ROOM.has(code)) {
    return new MeshError("storage_full", message, { hint: "free space on its disk", cause: thrown });
  }
  return new MeshError("unavailable", message, { hint: hintFor(code), cause: thrown });
}

function hintFor(code: string): string {
  const choose = "or set MESHKORE_DATA_DIR to another directory";
  if (NO_RIGHT.has(code)) return `let the hub's user write there, ${choose}`;
  // What Node says of a directory that cannot be made on a read-only disk, too.
  if (code === "ENOENT") return `look whether the directory above it is there and can be written, ${choose}`;
  if (NO_DIRECTORY.has(code)) return `there is a file in its place: move it away, ${choose}`;
  return `look at the disk, ${choose}`;
}

function systemCode(thrown: unknown): string {
  if (thrown instanceof Error && "code" in thrown && typeof thrown.code === "string") return thrown.code;
  return thrown instanceof Error ? thrown.message : String(thrown);
}
