import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { z } from "zod";
import { MeshError } from "../../model/errors.ts";

export const MANIFEST_FILE = "manifest.json";
const MAX_FILES = 100;

/** Relative, and nothing that would lead out of the folder. */
const PLAIN_PATH = /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9._-]*(\/[A-Za-z0-9][A-Za-z0-9._-]*)*$/;
const count = z.number().int().min(0);

const manifest = z.object({
  kind: z.literal("meshkore.backup"),
  /** Of this file's own form. */
  version: z.literal(1),
  created_at: z.iso.datetime(),
  hub_id: z.string(),
  hub_version: z.string(),
  /** Of the data directory. */
  data_format: count.min(1),
  /** What restoring must find again. */
  counts: z.object({ agents: count, channels: count, streams: count }),
  files: z
    .array(z.object({ name: z.string().regex(PLAIN_PATH), bytes: count, sha256: z.string().length(64) }))
    .min(1)
    .max(MAX_FILES),
});

/** What a backup says of itself. */
export type Manifest = z.infer<typeof manifest>;

/** @throws MeshError not_found when the folder is no backup, malformed when its manifest cannot be understood */
export async function readManifest(folder: string): Promise<Manifest> {
  let text: string;
  try {
    text = await readFile(join(folder, MANIFEST_FILE), "utf8");
  } catch (cause) {
    throw new MeshError("not_found", `${folder} is no backup: it has no readable ${MANIFEST_FILE}`, {
      hint: "name the folder that 'meshkore backup' printed",
      cause,
    });
  }
  const parsed = manifest.safeParse(jsonOf(text));
  if (parsed.success) return parsed.data;
  throw new MeshError("malformed", `the ${MANIFEST_FILE} of ${folder} cannot be understood`, {
    hint: "the backup is damaged or of a newer hub: take another one",
    cause: parsed.error,
  });
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
