import { statfsSync } from "node:fs";
import { MeshError } from "../../../model/errors.ts";

/** Infinity when the disk does not say: then it is broken rather than full. */
export function freeBytes(path: string): number {
  try {
    const { bavail, bsize } = statfsSync(path);
    return bavail * bsize;
  } catch {
    return Number.POSITIVE_INFINITY;
  }
}

export function storageFull(cause?: unknown): MeshError {
  return new MeshError("storage_full", "the hub's disk is full", {
    hint: "nothing was stored; try again after the operator has made room",
    retryAfterS: 30,
    cause,
  });
}
