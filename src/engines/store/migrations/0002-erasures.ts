import type { Migration } from "./migration.ts";

export const erasures: Migration = {
  version: 2,
  async up(trx, types) {
    await trx.schema
      .createTable("erasures")
      .addColumn("agent_id", types.key, (column) => column.primaryKey().notNull())
      .addColumn("begun_ms", "bigint", (column) => column.notNull())
      .addColumn("ended_ms", "bigint")
      .execute();
  },
};
