import { MeshError } from "../../../model/errors.ts";
import { freeBytes, storageFull } from "./disk-full.ts";

/** A copy that failed with less room than this failed for want of room. */
const FULL_DISK_BYTES = 16_777_216;

/** Runs a copy of the environment into the folder. @throws MeshError storage_full, unavailable */
export async function copyEnvironment(folder: string, copy: () => Promise<void>): Promise<void> {
  try {
    await copy();
  } catch (thrown) {
    const text = thrown instanceof Error ? thrown.message : String(thrown);
    if (/no space|disk quota|file too large/i.test(text) || freeBytes(folder) < FULL_DISK_BYTES) {
      throw storageFull(thrown);
    }
    throw new MeshError("unavailable", `the message log cannot be copied: ${text}`, {
      hint: "look at the disk that the copy goes to",
      cause: thrown,
    });
  }
}
