import { randomBytes } from "node:crypto";
import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { MeshError } from "../../model/errors.ts";
import { damaged, requireFile, requireSame } from "./backup-check.ts";
import { type Manifest, readManifest } from "./backup-manifest.ts";
import { dataDirError } from "./data-dir-error.ts";
import { lockDirectory } from "./directory-lock.ts";
import { makeDurableDirectory, syncDirectory, syncTree } from "./durable-files.ts";
import { copyWithDigest } from "./file-digest.ts";
import { FORMAT } from "./upgrades.ts";

export interface RestoreInput {
  /** The backup. */
  readonly from: string;
  /** The data directory that it becomes. */
  readonly to: string;
  /** A directory that holds something is moved aside instead of being refused. */
  readonly isForced: boolean;
  readonly nowUnixMs: () => number;
  /** Opens what was copied, brings it up to date and gives its counts; throws when it cannot be used. */
  readonly open: (directory: string) => Promise<Manifest["counts"]>;
}

export interface Restored {
  readonly manifest: Manifest;
  readonly path: string;
  /** Where the former directory is now. */
  readonly movedTo: string | undefined;
}

/**
 * Makes a data directory of a backup. It is checked while it is copied, and opened, beside its place; only then does
 * it take it, at once. Until then, and whenever it is cut off, the place is as it was.
 * @throws MeshError not_found, malformed (the backup), already_exists (the place), unavailable (a hub runs there, or
 * the backup is of a newer hub), storage_full
 */
export async function restoreBackup(input: RestoreInput): Promise<Restored> {
  const path = resolve(input.to);
  const manifest = await readManifest(input.from);
  if (manifest.data_format > FORMAT) throw newerBackup(manifest);
  const temporary = join(dirname(path), `.${basename(path)}.restore.${randomBytes(8).toString("hex")}.tmp`);
  try {
    await makeDurableDirectory(dirname(path));
    const isTaken = await isInUse(path);
    if (isTaken && !input.isForced) throw notEmpty(path);
    await copyFiles(input.from, temporary, manifest);
    requireCounts(await input.open(temporary), manifest);
    await syncTree(temporary);
    const movedTo = isTaken ? await moveAside(path, input.nowUnixMs()) : undefined;
    await rename(temporary, path);
    await syncDirectory(dirname(path));
    return { manifest, path, movedTo };
  } catch (thrown) {
    throw dataDirError(path, "restore into", thrown);
  } finally {
    await rm(temporary, { recursive: true, force: true });
  }
}

async function copyFiles(from: string, temporary: string, manifest: Manifest): Promise<void> {
  await mkdir(temporary, { mode: 0o700 });
  for (const file of manifest.files) {
    await requireFile(join(from, file.name));
    await mkdir(dirname(join(temporary, file.name)), { recursive: true, mode: 0o700 });
    requireSame(file, await copyWithDigest(join(from, file.name), join(temporary, file.name)));
  }
}

function requireCounts(found: Manifest["counts"], { counts }: Manifest): void {
  const same =
    found.agents === counts.agents && found.channels === counts.channels && found.streams === counts.streams;
  if (same) return;
  throw damaged(`it holds ${JSON.stringify(found)}, its manifest says ${JSON.stringify(counts)}`);
}

/** Holds anything; throws when a hub has it. */
async function isInUse(path: string): Promise<boolean> {
  const names: readonly string[] = await readdir(path).catch((thrown: unknown) => {
    if (thrown instanceof Error && "code" in thrown && thrown.code === "ENOENT") return [];
    throw thrown;
  });
  if (names.includes("lock.sqlite")) lockDirectory(path)();
  return names.length > 0;
}

/** Under its lock, so that no hub is in it. */
async function moveAside(path: string, nowUnixMs: number): Promise<string> {
  const stamp = new Date(nowUnixMs).toISOString().slice(0, 19).replaceAll(/[:-]/g, "").replace("T", "-");
  const aside = `${path}.before-restore-${stamp}`;
  const unlock = lockDirectory(path);
  try {
    await rename(path, aside);
  } finally {
    unlock();
  }
  return aside;
}

function notEmpty(path: string): MeshError {
  return new MeshError("already_exists", `${path} is not empty`, {
    hint: "name another directory, or add --force to move that one aside",
  });
}

function newerBackup({ data_format: format, hub_version: version }: Manifest): MeshError {
  return new MeshError("unavailable", `the backup has format ${format}, this version knows up to ${FORMAT}`, {
    hint: `restore it with version ${version} of the hub, which made it, or a later one`,
  });
}
