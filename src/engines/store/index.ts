/** The store engines by the name that the configuration gives them; an engine is loaded when it is chosen. */
export const STORE_ENGINES = {
  sqlite: async () => (await import("./sqlite/sqlite-stores.ts")).openSqliteStores,
} as const;
