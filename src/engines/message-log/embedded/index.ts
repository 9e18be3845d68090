export { compactLog } from "./compact.ts";
export { type EmbeddedLogOptions, openEmbeddedLog } from "./embedded-log.ts";
export { inspectLog, type LogFacts } from "./inspect.ts";
export { startNewEpoch } from "./new-epoch.ts";
