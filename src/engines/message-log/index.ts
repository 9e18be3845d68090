/** The message log engines by the name that the configuration gives them; an engine is loaded when it is chosen. */
export const MESSAGE_LOG_ENGINES = {
  embedded: async () => (await import("./embedded/index.ts")).openEmbeddedLog,
} as const;

/** What is done to the files of an engine that keeps them in the data directory, while no hub has it open. */
export const LOG_FILES = {
  embedded: () => import("./embedded/index.ts"),
} as const;
