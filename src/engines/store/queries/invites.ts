import type { Kysely, Selectable, Transaction } from "kysely";
import type { InviteRecord, InviteStore, JoinOutcome } from "../../../ports/invite-store.ts";
import type { Database } from "../schema.ts";
import { rowFromAgent } from "./agents.ts";
import { listFromText, textFromList } from "./stored-text.ts";

const MAX_LISTED = 1000;

/** Undoes the transaction of a join whose id is taken, so that no use is spent. */
class IdTaken extends Error {
  override readonly name = "IdTaken";
}

export function createInviteStore(db: Kysely<Database>): InviteStore {
  return {
    async create(invite) {
      await db
        .insertInto("invites")
        .values({
          nonce: invite.nonce,
          created_by: invite.createdBy,
          created_ms: invite.createdUnixMs,
          expires_ms: invite.expiresUnixMs,
          max_uses: invite.maxUses,
          uses: invite.uses,
          is_revoked: invite.revoked ? 1 : 0,
          capabilities: textFromList(invite.capabilities),
        })
        .execute();
    },

    async find(nonce) {
      const row = await db.selectFrom("invites").selectAll().where("nonce", "=", nonce).executeTakeFirst();
      return row === undefined ? undefined : inviteFromRow(row);
    },

    async list(createdBy) {
      let query = db.selectFrom("invites").selectAll();
      if (createdBy !== undefined) query = query.where("created_by", "=", createdBy);
      const rows = await query
        .orderBy("created_ms", "desc")
        .orderBy("nonce", "desc")
        .limit(MAX_LISTED)
        .execute();
      return rows.map(inviteFromRow);
    },

    async revoke(nonce) {
      await db.updateTable("invites").set({ is_revoked: 1 }).where("nonce", "=", nonce).execute();
    },

    async join(nonce, agent, keyHash, nowUnixMs) {
      try {
        return await db.transaction().execute(async (trx): Promise<JoinOutcome> => {
          if (!(await takeUse(trx, nonce, nowUnixMs))) return whyNoUse(trx, nonce);
          const made = await trx
            .insertInto("agents")
            .values(rowFromAgent(agent))
            .onConflict((conflict) => conflict.column("agent_id").doNothing())
            .executeTakeFirst();
          if (made.numInsertedOrUpdatedRows !== 1n) throw new IdTaken();
          await trx
            .insertInto("keys")
            .values({
              hash: keyHash,
              agent_id: agent.agentId,
              created_ms: agent.createdUnixMs,
              expires_ms: null,
            })
            .execute();
          return "joined";
        });
      } catch (thrown) {
        if (thrown instanceof IdTaken) return "taken_id";
        throw thrown;
      }
    },
  };
}

/** Check and count are one statement, so that two joins can never share the last use. */
async function takeUse(trx: Transaction<Database>, nonce: string, nowUnixMs: number): Promise<boolean> {
  const taken = await trx
    .updateTable("invites")
    .set((eb) => ({ uses: eb("uses", "+", 1) }))
    .where("nonce", "=", nonce)
    .where("is_revoked", "=", 0)
    .where("expires_ms", ">", nowUnixMs)
    .whereRef("uses", "<", "max_uses")
    .executeTakeFirst();
  return taken.numUpdatedRows === 1n;
}

async function whyNoUse(trx: Transaction<Database>, nonce: string): Promise<JoinOutcome> {
  const row = await trx.selectFrom("invites").select("nonce").where("nonce", "=", nonce).executeTakeFirst();
  return row === undefined ? "unknown_nonce" : "spent_nonce";
}

function inviteFromRow(row: Selectable<Database["invites"]>): InviteRecord {
  return {
    nonce: row.nonce,
    createdBy: row.created_by,
    createdUnixMs: Number(row.created_ms),
    expiresUnixMs: Number(row.expires_ms),
    maxUses: Number(row.max_uses),
    uses: Number(row.uses),
    revoked: row.is_revoked === 1,
    capabilities: listFromText(row.capabilities),
  };
}
