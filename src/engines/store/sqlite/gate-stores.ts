import { Kysely } from "kysely";
import type { ErasureStore } from "../../../ports/erasure-store.ts";
import type { Stores } from "../../../ports/stores.ts";
import { createDatabaseStores } from "../database-stores.ts";
import { migrate } from "../migrations/migrate.ts";
import type { ColumnTypes } from "../migrations/migration.ts";
import { createErasureStore } from "../queries/erasures.ts";
import type { Database } from "../schema.ts";
import type { DatabaseGate } from "./database-gate.ts";
import { createSqliteDialect } from "./sqlite-dialect.ts";

const SQLITE_TYPES: ColumnTypes = { key: "text", bytes: "blob" };

/** The stores over a database that is open, brought to the newest schema. @throws MeshError */
export async function openGateStores(
  gate: DatabaseGate,
): Promise<Stores & { readonly erasures: ErasureStore }> {
  const db = new Kysely<Database>({ dialect: createSqliteDialect(gate) });
  await migrate(db, SQLITE_TYPES);
  return {
    ...createDatabaseStores(db),
    erasures: { ...createErasureStore(db), scrub: () => emptyWriteAheadLog(gate) },
  };
}

/** Deleted content is overwritten in the file itself (secure_delete), and the log before it still holds it until then. */
async function emptyWriteAheadLog(gate: DatabaseGate): Promise<void> {
  const leave = await gate.enter();
  try {
    const sql = "pragma wal_checkpoint(truncate)";
    await gate.runInside({ kind: "run", statements: [{ sql, params: [], wants: "rows", isWrite: false }] });
  } finally {
    leave();
  }
}
