/** The message log engines by the name that the configuration gives them; an engine is loaded when it is chosen. */
export const MESSAGE_LOG_ENGINES = {
  embedded: async () => (await import("./embedded/index.ts")).openEmbeddedLog,
} as const;
