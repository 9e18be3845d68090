import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openEmbeddedLog } from "../../../../src/engines/message-log/embedded/index.ts";
import type { LogSubject } from "../../../suites/message-log/subject.ts";

/** The embedded engine in a folder of its own. */
export function embeddedSubject(durability: "power" | "process"): LogSubject {
  return {
    name: `embedded, ${durability}`,
    followsClock: true,
    makePlace: async (nowUnixMs) => {
      const path = await mkdtemp(join(tmpdir(), "meshkore-log-"));
      return {
        open: (options = {}) =>
          openEmbeddedLog({
            path,
            durability,
            nowUnixMs,
            onFatal: (error) => {
              throw error;
            },
            onWatcherError: () => undefined,
            ...options,
          }),
        remove: () => rm(path, { recursive: true, force: true }),
      };
    },
  };
}
