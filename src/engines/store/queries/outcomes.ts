import { type Kysely, type Selectable, sql } from "kysely";
import type { OutcomeRecord, OutcomeStore } from "../../../ports/outcome-store.ts";
import type { Database } from "../schema.ts";
import { chunksOf } from "./chunks.ts";
import { storedText } from "./stored-text.ts";

/** Rows deleted at once, so that other calls get their turn in between. */
const PRUNE_ROWS = 1000;

export function createOutcomeStore(db: Kysely<Database>): OutcomeStore {
  return {
    async find(messageId) {
      const row = await db
        .selectFrom("outcomes")
        .selectAll()
        .where("message_id", "=", messageId)
        .executeTakeFirst();
      return row === undefined ? undefined : outcomeFromRow(row);
    },

    async add(outcomes) {
      const chunks = chunksOf(outcomes);
      // One statement is a transaction by itself, and shares its commit with others.
      if (chunks.length <= 1) return addChunk(db, outcomes);
      return db.transaction().execute(async (trx) => {
        const added: OutcomeRecord[] = [];
        for (const chunk of chunks) added.push(...(await addChunk(trx, chunk)));
        return added;
      });
    },

    async dead(senderId, beforeId, limit) {
      let query = db
        .selectFrom("outcomes")
        .selectAll()
        .where("sender_id", "=", senderId)
        // A literal, not a parameter: only then does the partial index apply.
        .where("state", "<>", sql.lit("processed"));
      if (beforeId !== "") query = query.where("message_id", "<", beforeId);
      const rows = await query.orderBy("message_id", "desc").limit(limit).execute();
      return rows.map(outcomeFromRow);
    },

    async countDead() {
      const { total } = await db
        .selectFrom("outcomes")
        .select((eb) => eb.fn.countAll().as("total"))
        // As above.
        .where("state", "<>", sql.lit("processed"))
        .executeTakeFirstOrThrow();
      return Number(total);
    },

    async prune(beforeUnixMs) {
      let pruned = 0;
      for (;;) {
        const result = await db
          .deleteFrom("outcomes")
          .where("message_id", "in", (eb) =>
            eb
              .selectFrom("outcomes")
              .select("message_id")
              .where("at_ms", "<", beforeUnixMs)
              .limit(PRUNE_ROWS),
          )
          .executeTakeFirst();
        pruned += Number(result.numDeletedRows);
        if (result.numDeletedRows < PRUNE_ROWS) return pruned;
      }
    },
  };
}

async function addChunk(
  db: Kysely<Database>,
  outcomes: readonly OutcomeRecord[],
): Promise<readonly OutcomeRecord[]> {
  if (outcomes.length === 0) return [];
  const rows = await db
    .insertInto("outcomes")
    .values(outcomes.map(rowFromOutcome))
    .onConflict((conflict) => conflict.column("message_id").doNothing())
    .returningAll()
    .execute();
  return rows.map(outcomeFromRow);
}

function rowFromOutcome(outcome: OutcomeRecord): Selectable<Database["outcomes"]> {
  return {
    message_id: outcome.messageId,
    sender_id: outcome.senderId,
    receiver: storedText(outcome.receiver),
    state: outcome.state,
    note: storedText(outcome.note),
    at_ms: outcome.atUnixMs,
  };
}

function outcomeFromRow(row: Selectable<Database["outcomes"]>): OutcomeRecord {
  return {
    messageId: row.message_id,
    senderId: row.sender_id,
    receiver: row.receiver,
    state: row.state,
    note: row.note,
    atUnixMs: Number(row.at_ms),
  };
}
