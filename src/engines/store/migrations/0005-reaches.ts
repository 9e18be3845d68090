import type { Migration } from "./migration.ts";

export const reaches: Migration = {
  version: 5,
  async up(trx, types) {
    await trx.schema
      .createTable("reaches")
      .addColumn("agent_id", types.key, (column) =>
        column.primaryKey().notNull().references("agents.agent_id"),
      )
      .addColumn("dialect", "text", (column) => column.notNull())
      .addColumn("address", "text", (column) => column.notNull())
      .addColumn("facts", "text", (column) => column.notNull())
      .addColumn("checked_ms", "bigint", (column) => column.notNull())
      .execute();
    await trx.schema
      .createTable("remote_tasks")
      .addColumn("task_id", types.key, (column) => column.primaryKey().notNull())
      .addColumn("agent_id", types.key, (column) => column.notNull())
      .addColumn("context_id", types.key, (column) => column.notNull())
      .addColumn("remote_task_id", "text", (column) => column.notNull())
      .addColumn("remote_context_id", "text", (column) => column.notNull())
      .addColumn("is_open", "integer", (column) => column.notNull())
      .addColumn("changed_ms", "bigint", (column) => column.notNull())
      .execute();
    await trx.schema
      .createIndex("remote_tasks_of_agent")
      .on("remote_tasks")
      .columns(["agent_id", "is_open", "task_id"])
      .execute();
    await trx.schema
      .createIndex("remote_tasks_of_context")
      .on("remote_tasks")
      .columns(["agent_id", "context_id", "changed_ms"])
      .execute();
  },
};
