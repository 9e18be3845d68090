import { sql } from "kysely";
import type { Migration } from "./migration.ts";

export const tasks: Migration = {
  version: 3,
  async up(trx, types) {
    await trx.schema
      .createTable("tasks")
      .addColumn("task_id", types.key, (column) => column.primaryKey().notNull())
      .addColumn("context_id", types.key, (column) => column.notNull())
      .addColumn("caller", types.key, (column) => column.notNull())
      .addColumn("worker", types.key, (column) => column.notNull())
      .addColumn("dedupe_key", types.key)
      .addColumn("tells_caller", "integer", (column) => column.notNull())
      .addColumn("state", "integer", (column) => column.notNull())
      .addColumn("changed_ms", "bigint", (column) => column.notNull())
      .addColumn("created_ms", "bigint", (column) => column.notNull())
      .addColumn("is_settled", "integer", (column) => column.notNull())
      .execute();
    // Two nulls are not equal to a unique index, in either dialect.
    await trx.schema
      .createIndex("tasks_by_key")
      .unique()
      .on("tasks")
      .columns(["caller", "worker", "dedupe_key"])
      .execute();
    await trx.schema
      .createIndex("tasks_given")
      .on("tasks")
      .columns(["caller", "changed_ms", "task_id"])
      .execute();
    await trx.schema
      .createIndex("tasks_taken")
      .on("tasks")
      .columns(["worker", "changed_ms", "task_id"])
      .execute();
    await trx.schema.createIndex("tasks_oldest").on("tasks").columns(["changed_ms", "task_id"]).execute();
    await trx.schema
      .createIndex("tasks_unsettled")
      .on("tasks")
      .column("task_id")
      .where(sql.ref("is_settled"), "=", sql.lit(0))
      .execute();
  },
};
