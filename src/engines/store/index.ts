/** The store engines by the name that the configuration gives them; an engine is loaded when it is chosen. */
export const STORE_ENGINES = {
  sqlite: async () => (await import("./sqlite/sqlite-stores.ts")).openSqliteStores,
} as const;

/** What is done to the files of an engine that keeps them in the data directory. */
export const STORE_FILES = {
  sqlite: () => import("./sqlite/files.ts"),
} as const;
