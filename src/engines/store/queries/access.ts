import type { Kysely, Transaction } from "kysely";
import { MeshError } from "../../../model/errors.ts";
import type { AccessStore } from "../../../ports/access-store.ts";
import type { Database } from "../schema.ts";
import { holdLivingAgent } from "./living-agent.ts";

/** Refused beyond, since a list that is cut off would let blocked senders through. */
const MAX_RULES = 10_000;

export function createAccessStore(db: Kysely<Database>): AccessStore {
  return {
    rules: (ownerId) =>
      db
        .selectFrom("access_rules")
        .select(["subject", "mode"])
        .where("owner_id", "=", ownerId)
        .orderBy("subject")
        .limit(MAX_RULES)
        .execute(),

    put: (ownerId, rule) =>
      db.transaction().execute(async (trx) => {
        await holdLivingAgent(trx, ownerId);
        const replaced = await trx
          .updateTable("access_rules")
          .set({ mode: rule.mode })
          .where("owner_id", "=", ownerId)
          .where("subject", "=", rule.subject)
          .executeTakeFirst();
        if (replaced.numUpdatedRows > 0n) return;
        await requireRoom(trx, ownerId);
        await trx
          .insertInto("access_rules")
          .values({ owner_id: ownerId, subject: rule.subject, mode: rule.mode })
          .execute();
      }),

    async remove(ownerId, subject) {
      const removed = await db
        .deleteFrom("access_rules")
        .where("owner_id", "=", ownerId)
        .where("subject", "=", subject)
        .executeTakeFirst();
      return removed.numDeletedRows > 0n;
    },
  };
}

async function requireRoom(trx: Transaction<Database>, ownerId: string): Promise<void> {
  const row = await trx
    .selectFrom("access_rules")
    .select((eb) => eb.fn.countAll().as("rules"))
    .where("owner_id", "=", ownerId)
    .executeTakeFirstOrThrow();
  if (Number(row.rules) < MAX_RULES) return;
  throw new MeshError("quota_exceeded", `an agent has at most ${MAX_RULES} access rules`, {
    hint: "remove rules that are no longer needed, or allow only the agents you work with",
  });
}
