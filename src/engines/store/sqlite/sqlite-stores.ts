import { Kysely } from "kysely";
import type { OpenStores } from "../../../ports/stores.ts";
import { createDatabaseStores } from "../database-stores.ts";
import { migrate } from "../migrations/migrate.ts";
import type { ColumnTypes } from "../migrations/migration.ts";
import type { Database } from "../schema.ts";
import { DatabaseClient } from "./database-client.ts";
import { DatabaseGate } from "./database-gate.ts";
import { createSqliteDialect } from "./sqlite-dialect.ts";

const SQLITE_TYPES: ColumnTypes = { key: "text", bytes: "blob" };

export interface SqliteStoresOptions {
  /** The database file; made with mode 0600 when it is not there. */
  readonly path: string;
  /**
   * Called once when the database thread dies. Every call that waits and every later one rejects with unavailable,
   * so the hub has to stop.
   */
  readonly onFatal: (error: Error) => void;
}

/**
 * All stores in one SQLite file, owned by a thread of its own. Writes survive power loss when they answer.
 * One process at a time: see the data directory's lock.
 * @throws MeshError unavailable when the file cannot be used or a newer hub wrote it, storage_full
 */
export async function openSqliteStores(options: SqliteStoresOptions): Promise<OpenStores> {
  const gate = new DatabaseGate(await DatabaseClient.open(options));
  const db = new Kysely<Database>({ dialect: createSqliteDialect(gate) });
  try {
    await migrate(db, SQLITE_TYPES);
  } catch (thrown) {
    await gate.close();
    throw thrown;
  }
  return { ...createDatabaseStores(db), [Symbol.asyncDispose]: () => gate.close() };
}
