import type { Insertable, Kysely, Selectable, Transaction } from "kysely";
import { type AgentRecord, DEFAULT_PROFILE } from "../../../model/agent.ts";
import type { AgentStore } from "../../../ports/agent-store.ts";
import type { Database } from "../schema.ts";
import { noSuchAgent } from "./living-agent.ts";
import { profileFromText, storedText, textFromProfile } from "./stored-text.ts";

/** What is left of a deleted agent beside its id, dates and public key. */
const TOMBSTONE_PROFILE = textFromProfile({ ...DEFAULT_PROFILE, status: "away", visibility: "hidden" });

export function createAgentStore(db: Kysely<Database>): AgentStore {
  return {
    async find(agentId) {
      const row = await db
        .selectFrom("agents")
        .selectAll()
        .where("agent_id", "=", agentId)
        .executeTakeFirst();
      return row === undefined ? undefined : agentFromRow(row);
    },

    async list(afterId, limit) {
      const rows = await db
        .selectFrom("agents")
        .selectAll()
        .where("deleted_ms", "is", null)
        .where("agent_id", ">", afterId)
        .orderBy("agent_id")
        .limit(limit)
        .execute();
      return rows.map(agentFromRow);
    },

    async count() {
      const row = await db
        .selectFrom("agents")
        .select((eb) => eb.fn.countAll().as("living"))
        .where("deleted_ms", "is", null)
        .executeTakeFirstOrThrow();
      return Number(row.living);
    },

    setProfile: (agentId, profile) => change(db, agentId, { profile: textFromProfile(profile) }),
    setPlan: (agentId, plan) => change(db, agentId, { plan }),

    remove: (agentId, atUnixMs) =>
      db.transaction().execute(async (trx) => {
        const buried = await trx
          .updateTable("agents")
          .set({ deleted_ms: atUnixMs, profile: TOMBSTONE_PROFILE })
          .where("agent_id", "=", agentId)
          .where("deleted_ms", "is", null)
          .executeTakeFirst();
        if (buried.numUpdatedRows > 0n) await removeBelongings(trx, agentId);
      }),
  };
}

async function change(
  db: Kysely<Database>,
  agentId: string,
  values: Partial<Insertable<Database["agents"]>>,
): Promise<void> {
  const changed = await db
    .updateTable("agents")
    .set(values)
    .where("agent_id", "=", agentId)
    .where("deleted_ms", "is", null)
    .executeTakeFirst();
  if (changed.numUpdatedRows === 0n) throw noSuchAgent(agentId);
}

async function removeBelongings(trx: Transaction<Database>, agentId: string): Promise<void> {
  await trx.deleteFrom("keys").where("agent_id", "=", agentId).execute();
  await trx.deleteFrom("access_rules").where("owner_id", "=", agentId).execute();
  await trx.deleteFrom("reaches").where("agent_id", "=", agentId).execute();
  await trx.deleteFrom("reach_credentials").where("agent_id", "=", agentId).execute();
  await trx.deleteFrom("pushes").where("owner_id", "=", agentId).execute();
  await trx
    .updateTable("channels")
    .set((eb) => ({ member_count: eb("member_count", "-", 1) }))
    .where("channel_id", "in", (eb) =>
      eb.selectFrom("channel_members").select("channel_id").where("member_id", "=", agentId),
    )
    .execute();
  await trx.deleteFrom("channel_members").where("member_id", "=", agentId).execute();
}

function agentFromRow(row: Selectable<Database["agents"]>): AgentRecord {
  return {
    agentId: row.agent_id,
    profile: profileFromText(row.profile),
    publicKey: row.public_key ?? undefined,
    plan: row.plan,
    createdUnixMs: Number(row.created_ms),
    deletedUnixMs: row.deleted_ms === null ? undefined : Number(row.deleted_ms),
  };
}

export function rowFromAgent(agent: AgentRecord): Insertable<Database["agents"]> {
  return {
    agent_id: agent.agentId,
    profile: textFromProfile(agent.profile),
    public_key: agent.publicKey === undefined ? null : storedText(agent.publicKey),
    plan: agent.plan,
    created_ms: agent.createdUnixMs,
    deleted_ms: agent.deletedUnixMs ?? null,
  };
}
