import { readdirSync } from "node:fs";
import { residentBytes } from "../../integration/survival/hub-memory.ts";
import type { TestHub } from "../../support/hub.ts";
import { Inspector } from "../../support/inspector.ts";

/** What a process holds. */
export interface Vitals {
  readonly files: number;
  readonly residentBytes: number;
  /** Of the JavaScript heap, after a full collection. */
  readonly heapBytes: number;
  /** Memory of buffers, after a full collection. */
  readonly bufferBytes: number;
}

/** Looks at a hub that runs with INSPECTABLE. Collects garbage first, so that two looks can be compared. */
export async function vitalsOf(hub: TestHub): Promise<Vitals> {
  const inspector = await Inspector.open(hub);
  try {
    // The second one takes what finalizers of the first let go.
    await inspector.call("HeapProfiler.collectGarbage");
    await inspector.call("HeapProfiler.collectGarbage");
    const usage = await inspector.call("Runtime.getHeapUsage");
    return {
      files: openFiles(hub.pid),
      residentBytes: residentBytes(hub.pid).own,
      heapBytes: Number(usage["usedSize"] ?? 0),
      bufferBytes: Number(usage["backingStorageSize"] ?? 0),
    };
  } finally {
    inspector.close();
  }
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}
