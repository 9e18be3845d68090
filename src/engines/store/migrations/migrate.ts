import type { Kysely } from "kysely";
import { MeshError } from "../../../model/errors.ts";
import type { Database } from "../schema.ts";
import { firstTables } from "./0001-first-tables.ts";
import { erasures } from "./0002-erasures.ts";
import { tasks } from "./0003-tasks.ts";
import { pushes } from "./0004-pushes.ts";
import { reaches } from "./0005-reaches.ts";
import { reachCredentials } from "./0006-reach-credentials.ts";
import type { ColumnTypes, Migration } from "./migration.ts";

const MIGRATIONS: readonly Migration[] = [firstTables, erasures, tasks, pushes, reaches, reachCredentials];

/**
 * Brings the schema up to date: every step runs once, all of them in one transaction.
 * @throws MeshError unavailable when a newer hub wrote the store
 */
export async function migrate(
  db: Kysely<Database>,
  types: ColumnTypes,
  migrations: readonly Migration[] = MIGRATIONS,
): Promise<void> {
  await db.transaction().execute(async (trx) => {
    await trx.schema
      .createTable("schema_version")
      .ifNotExists()
      .addColumn("version", "bigint", (column) => column.primaryKey().notNull())
      .addColumn("applied_ms", "bigint", (column) => column.notNull())
      .execute();
    const row = await trx
      .selectFrom("schema_version")
      .select((eb) => eb.fn.max("version").as("version"))
      .executeTakeFirst();
    const current = Number(row?.version ?? 0);
    if (current > migrations.length) throw newerStore(current, migrations.length);
    for (const migration of migrations.slice(current)) {
      await migration.up(trx, types);
      await trx
        .insertInto("schema_version")
        .values({ version: migration.version, applied_ms: Date.now() })
        .execute();
    }
  });
}

function newerStore(found: number, known: number): MeshError {
  return new MeshError("unavailable", `the store has schema ${found}, this hub knows up to ${known}`, {
    hint: "start the newer version of the hub, or restore a backup that this version made",
  });
}
