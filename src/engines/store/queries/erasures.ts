import type { Kysely } from "kysely";
import type { ErasureStore } from "../../../ports/erasure-store.ts";
import type { Database } from "../schema.ts";

/** Stands where the name of an erased agent stood; no agent id has a tilde. */
const ERASED = "~erased";

/** All but scrubbing, which each dialect does in its own way. */
export function createErasureStore(db: Kysely<Database>): Omit<ErasureStore, "scrub"> {
  return {
    async begin(agentId, atUnixMs) {
      const known = await db
        .selectFrom("agents")
        .select("agent_id")
        .where("agent_id", "=", agentId)
        .executeTakeFirst();
      if (known === undefined) return false;
      await db
        .insertInto("erasures")
        .values({ agent_id: agentId, begun_ms: atUnixMs, ended_ms: null })
        .onConflict((conflict) =>
          conflict.column("agent_id").doUpdateSet({ begun_ms: atUnixMs, ended_ms: null }),
        )
        .execute();
      return true;
    },

    wipe: (agentId) =>
      db.transaction().execute(async (trx) => {
        const isOf = (column: "from_id" | "to_id") =>
          trx.deleteFrom("traffic_edges").where(column, "=", agentId).execute();
        await isOf("from_id");
        await isOf("to_id");
        await trx.deleteFrom("traffic_months").where("agent_id", "=", agentId).execute();
        await trx.deleteFrom("outcomes").where("sender_id", "=", agentId).execute();
        await trx.deleteFrom("outcomes").where("receiver", "=", agentId).execute();
        await trx
          .updateTable("tasks")
          .set((eb) => ({ caller: ERASED, dedupe_key: null, context_id: eb.ref("task_id") }))
          .where("caller", "=", agentId)
          .execute();
        await trx.updateTable("tasks").set({ worker: ERASED }).where("worker", "=", agentId).execute();
        await trx.deleteFrom("pushes").where("owner_id", "=", agentId).execute();
        await trx.deleteFrom("remote_tasks").where("agent_id", "=", agentId).execute();
        await trx.deleteFrom("access_rules").where("subject", "=", agentId).execute();
        await trx.deleteFrom("invites").where("created_by", "=", agentId).execute();
        await trx.updateTable("channels").set({ description: "" }).where("owner_id", "=", agentId).execute();
        await trx
          .updateTable("agents")
          .set({ public_key: null })
          .where("agent_id", "=", agentId)
          .where("deleted_ms", "is not", null)
          .execute();
      }),

    async unfinished() {
      const rows = await db
        .selectFrom("erasures")
        .select("agent_id")
        .where("ended_ms", "is", null)
        .orderBy("begun_ms")
        .execute();
      return rows.map((row) => row.agent_id);
    },

    async end(agentId, atUnixMs) {
      await db.updateTable("erasures").set({ ended_ms: atUnixMs }).where("agent_id", "=", agentId).execute();
    },
  };
}
