import { lstat } from "node:fs/promises";
import { join } from "node:path";
import { MeshError } from "../../model/errors.ts";
import { type Manifest, readManifest } from "./backup-manifest.ts";
import { type Digest, digestOfFile } from "./file-digest.ts";

/**
 * Whether every file of a backup is what it was when it was made.
 * @throws MeshError not_found (no backup), malformed (damaged, and which file)
 */
export async function checkBackup(folder: string): Promise<Manifest> {
  const manifest = await readManifest(folder);
  for (const file of manifest.files) {
    const path = join(folder, file.name);
    await requireFile(path);
    requireSame(file, await digestOfFile(path));
  }
  return manifest;
}

/** @throws MeshError malformed */
export function requireSame(file: Manifest["files"][number], found: Digest): void {
  if (found.bytes === file.bytes && found.sha256 === file.sha256) return;
  const how = found.bytes === file.bytes ? "other contents" : `${found.bytes} bytes, not ${file.bytes}`;
  throw damaged(`${file.name} has ${how}`);
}

/** A link could lead anywhere. @throws MeshError malformed */
export async function requireFile(path: string): Promise<void> {
  const found = await lstat(path).catch(() => undefined);
  if (found?.isFile() !== true) throw damaged(`${path} is missing`);
}

export function damaged(what: string, cause?: unknown): MeshError {
  return new MeshError("malformed", `the backup is damaged: ${what}`, {
    hint: "take another backup; nothing was changed",
    cause,
  });
}
