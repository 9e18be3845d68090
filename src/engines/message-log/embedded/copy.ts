import { MeshError } from "../../../model/errors.ts";
import { freeBytes, storageFull } from "./disk-full.ts";

/** A copy that failed with less room than this failed for want of room. */
const FULL_DISK_BYTES = 16_777_216;

/** Copies of the environment, beside the event loop. */
export interface Copies {
  /** @throws MeshError storage_full, unavailable */
  run(folder: string): Promise<void>;
  /** Answers when none is under way (any more). */
  ended(): Promise<void>;
}

export function createCopies(copy: (folder: string) => Promise<void>): Copies {
  const underWay = new Set<Promise<void>>();
  return {
    async run(folder) {
      const running = copyEnvironment(folder, copy);
      underWay.add(running);
      await running.finally(() => underWay.delete(running));
    },
    async ended() {
      while (underWay.size > 0) await Promise.allSettled(underWay);
    },
  };
}

async function copyEnvironment(folder: string, copy: (folder: string) => Promise<void>): Promise<void> {
  try {
    await copy(folder);
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
