import { once } from "node:events";
import { readdirSync } from "node:fs";
import { WebSocket } from "ws";
import { residentBytes } from "../../integration/survival/hub-memory.ts";
import type { TestHub } from "../../support/hub.ts";

/** What a process holds. */
export interface Vitals {
  readonly files: number;
  readonly residentBytes: number;
  /** Of the JavaScript heap, after a full collection. */
  readonly heapBytes: number;
  /** Memory of buffers, after a full collection. */
  readonly bufferBytes: number;
}

/** For `NODE_OPTIONS` of a hub whose heap is to be looked at: Node's own debugger, on a free loopback port. */
export const INSPECTABLE = "--inspect=127.0.0.1:0";

/** Looks at a hub that runs with INSPECTABLE. Collects garbage first, so that two looks can be compared. */
export async function vitalsOf(hub: TestHub): Promise<Vitals> {
  const url = /ws:\/\/127\.0\.0\.1:\d+\/[\w-]+/.exec(hub.log())?.[0];
  if (url === undefined) throw new Error("the hub was not started with a debugger");
  const inspector = new WebSocket(url, { perMessageDeflate: false });
  await once(inspector, "open");
  try {
    // The second one takes what finalizers of the first let go.
    await ask(inspector, 1, "HeapProfiler.collectGarbage");
    await ask(inspector, 2, "HeapProfiler.collectGarbage");
    const usage = await ask(inspector, 3, "Runtime.getHeapUsage");
    return {
      files: openFiles(hub.pid),
      residentBytes: residentBytes(hub.pid).own,
      heapBytes: usage["usedSize"] ?? 0,
      bufferBytes: usage["backingStorageSize"] ?? 0,
    };
  } finally {
    inspector.terminate();
  }
}

export function openFiles(pid: number): number {
  return readdirSync(`/proc/${pid}/fd`).length;
}

function ask(inspector: WebSocket, id: number, method: string): Promise<Record<string, number>> {
  const answer = new Promise<Record<string, number>>((resolve, reject) => {
    inspector.on("message", (data: Buffer) => {
      const message = JSON.parse(data.toString("utf8"));
      if (message.id === id) resolve(message.result ?? {});
    });
    inspector.once("close", () => reject(new Error("the hub's debugger went away")));
  });
  inspector.send(JSON.stringify({ id, method }));
  return answer;
}
