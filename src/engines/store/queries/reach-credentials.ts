import { type Kysely, type Selectable, sql } from "kysely";
import type { ReachCredentialRecord, ReachCredentialStore } from "../../../ports/reach-credential-store.ts";
import type { Database } from "../schema.ts";

export function createReachCredentialStore(db: Kysely<Database>): ReachCredentialStore {
  return {
    async find(agentId) {
      const row = await db
        .selectFrom("reach_credentials")
        .selectAll()
        .where("agent_id", "=", agentId)
        .executeTakeFirst();
      return row === undefined ? undefined : credentialFromRow(row);
    },

    // In one statement, so that none is left behind by a removal that comes in between.
    async put({ agentId, origin, header, sealed, setUnixMs }) {
      const fields = { origin, header, sealed, set_ms: setUnixMs };
      await db
        .insertInto("reach_credentials")
        .columns(["agent_id", "origin", "header", "sealed", "set_ms"])
        .expression((eb) =>
          eb
            .selectFrom("agents")
            .select([
              "agent_id",
              sql.val(origin).as("origin"),
              sql.val(header).as("header"),
              sql.val(sealed).as("sealed"),
              sql.val(setUnixMs).as("set_ms"),
            ])
            .where("agent_id", "=", agentId)
            .where("deleted_ms", "is", null),
        )
        .onConflict((conflict) => conflict.column("agent_id").doUpdateSet(fields))
        .execute();
    },

    async remove(agentId) {
      const result = await db
        .deleteFrom("reach_credentials")
        .where("agent_id", "=", agentId)
        .executeTakeFirst();
      return result.numDeletedRows > 0n;
    },
  };
}

function credentialFromRow(row: Selectable<Database["reach_credentials"]>): ReachCredentialRecord {
  return {
    agentId: row.agent_id,
    origin: row.origin,
    header: row.header,
    sealed: row.sealed,
    setUnixMs: Number(row.set_ms),
  };
}
