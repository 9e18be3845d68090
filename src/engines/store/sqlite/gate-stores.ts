import { Kysely } from "kysely";
import type { Stores } from "../../../ports/stores.ts";
import { createDatabaseStores } from "../database-stores.ts";
import { migrate } from "../migrations/migrate.ts";
import type { ColumnTypes } from "../migrations/migration.ts";
import type { Database } from "../schema.ts";
import type { DatabaseGate } from "./database-gate.ts";
import { createSqliteDialect } from "./sqlite-dialect.ts";

const SQLITE_TYPES: ColumnTypes = { key: "text", bytes: "blob" };

/** The stores over a database that is open, brought to the newest schema. @throws MeshError */
export async function openGateStores(gate: DatabaseGate): Promise<Stores> {
  const db = new Kysely<Database>({ dialect: createSqliteDialect(gate) });
  await migrate(db, SQLITE_TYPES);
  return createDatabaseStores(db);
}
