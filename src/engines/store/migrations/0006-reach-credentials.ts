import type { Migration } from "./migration.ts";

export const reachCredentials: Migration = {
  version: 6,
  async up(trx, types) {
    await trx.schema
      .createTable("reach_credentials")
      .addColumn("agent_id", types.key, (column) =>
        column.primaryKey().notNull().references("agents.agent_id"),
      )
      .addColumn("origin", "text", (column) => column.notNull())
      .addColumn("header", "text", (column) => column.notNull())
      .addColumn("sealed", "text", (column) => column.notNull())
      .addColumn("set_ms", "bigint", (column) => column.notNull())
      .execute();
  },
};
