import { type Kysely, sql, type Transaction } from "kysely";
import type { KeyRecord, KeyStore, OlderSecrets } from "../../../ports/key-store.ts";
import type { Database } from "../schema.ts";
import { holdLivingAgent } from "./living-agent.ts";

export function createKeyStore(db: Kysely<Database>): KeyStore {
  return {
    async find(hash) {
      const row = await db.selectFrom("keys").selectAll().where("hash", "=", hash).executeTakeFirst();
      if (row === undefined) return undefined;
      return {
        hash: row.hash,
        agentId: row.agent_id,
        createdUnixMs: Number(row.created_ms),
        expiresUnixMs: row.expires_ms === null ? undefined : Number(row.expires_ms),
      };
    },

    rotate: (key, oldExpireUnixMs) => rotate(db, key, oldExpireUnixMs),

    async secrets() {
      const rows = await db
        .selectFrom("secrets")
        .selectAll()
        .orderBy("created_ms", "desc")
        .orderBy("kid", "desc")
        .execute();
      return rows.map((row) => ({
        kid: row.kid,
        secret: row.secret.byteLength === 0 ? undefined : row.secret,
        createdUnixMs: Number(row.created_ms),
      }));
    },

    addSecret: (secret, older) =>
      db.transaction().execute(async (trx) => {
        if (older !== undefined) await endOlderSecrets(trx, older);
        await trx
          .insertInto("secrets")
          .values({ kid: secret.kid, secret: secret.secret, created_ms: secret.createdUnixMs })
          .execute();
      }),
  };
}

async function endOlderSecrets(trx: Transaction<Database>, older: OlderSecrets): Promise<void> {
  const { newest } = await trx
    .selectFrom("secrets")
    .select((eb) => eb.fn.max("created_ms").as("newest"))
    .where("created_ms", "<=", older.forgetReplacedUnixMs)
    .executeTakeFirstOrThrow();
  if (newest !== null) await trx.deleteFrom("secrets").where("created_ms", "<", Number(newest)).execute();
  // Not the rows: a token of a revoked secret must be told from one that nobody signed.
  if (older.revoke) await trx.updateTable("secrets").set({ secret: sql`substr(secret, 1, 0)` }).execute();
}

function rotate(db: Kysely<Database>, key: KeyRecord, oldExpireUnixMs: number): Promise<void> {
  return db.transaction().execute(async (trx) => {
    await holdLivingAgent(trx, key.agentId);
    // Keys that ended before are of no use to anybody; without this every rotation would leave one for ever.
    await trx
      .deleteFrom("keys")
      .where("agent_id", "=", key.agentId)
      .where("expires_ms", "<=", key.createdUnixMs)
      .execute();
    // A grace time that runs already is never made longer.
    await trx
      .updateTable("keys")
      .set({ expires_ms: oldExpireUnixMs })
      .where("agent_id", "=", key.agentId)
      .where((eb) => eb.or([eb("expires_ms", "is", null), eb("expires_ms", ">", oldExpireUnixMs)]))
      .execute();
    await trx
      .insertInto("keys")
      .values({
        hash: key.hash,
        agent_id: key.agentId,
        created_ms: key.createdUnixMs,
        expires_ms: key.expiresUnixMs ?? null,
      })
      .execute();
  });
}
