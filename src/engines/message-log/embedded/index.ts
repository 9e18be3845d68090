export { compactLog } from "./compact.ts";
export { type EmbeddedLogOptions, openEmbeddedLog } from "./embedded-log.ts";
export { startNewEpoch } from "./new-epoch.ts";
