import { sql } from "kysely";
import type { Migration } from "./migration.ts";

export const pushes: Migration = {
  version: 4,
  async up(trx, types) {
    await trx.schema
      .createTable("pushes")
      .addColumn("task_id", types.key, (column) => column.notNull())
      .addColumn("config_id", types.key, (column) => column.notNull())
      .addColumn("owner_id", types.key, (column) => column.notNull())
      .addColumn("dialect", "text", (column) => column.notNull())
      .addColumn("url", "text", (column) => column.notNull())
      .addColumn("token", "text", (column) => column.notNull())
      .addColumn("scheme", "text", (column) => column.notNull())
      .addColumn("credentials", "text", (column) => column.notNull())
      .addColumn("created_ms", "bigint", (column) => column.notNull())
      .addColumn("sent", "bigint", (column) => column.notNull())
      .addColumn("stopped_ms", "bigint")
      .addColumn("stopped_reason", "text", (column) => column.notNull())
      .addPrimaryKeyConstraint("pushes_pk", ["task_id", "config_id"])
      .execute();
    await trx.schema.createIndex("pushes_of_owner").on("pushes").column("owner_id").execute();
    await trx.schema
      .createIndex("pushes_open")
      .on("pushes")
      .column("task_id")
      .where(sql.ref("stopped_ms"), "is", null)
      .execute();
  },
};
