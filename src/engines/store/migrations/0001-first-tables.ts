import { sql, type Transaction } from "kysely";
import type { Database } from "../schema.ts";
import type { ColumnTypes, Migration } from "./migration.ts";

export const firstTables: Migration = {
  version: 1,
  async up(trx, types) {
    await createAgents(trx, types);
    await createInvites(trx, types);
    await createKeys(trx, types);
    await createAccessRules(trx, types);
    await createChannels(trx, types);
    await createOutcomes(trx, types);
    await createTraffic(trx, types);
  },
};

type Trx = Transaction<Database>;

async function createAgents(trx: Trx, types: ColumnTypes): Promise<void> {
  await trx.schema
    .createTable("agents")
    .addColumn("agent_id", types.key, (column) => column.primaryKey().notNull())
    .addColumn("profile", "text", (column) => column.notNull())
    .addColumn("public_key", "text")
    .addColumn("plan", "text", (column) => column.notNull())
    .addColumn("created_ms", "bigint", (column) => column.notNull())
    .addColumn("deleted_ms", "bigint")
    .execute();
  await trx.schema
    .createIndex("agents_living")
    .on("agents")
    .column("agent_id")
    .where(sql.ref("deleted_ms"), "is", null)
    .execute();
}

async function createInvites(trx: Trx, types: ColumnTypes): Promise<void> {
  await trx.schema
    .createTable("invites")
    .addColumn("nonce", types.key, (column) => column.primaryKey().notNull())
    .addColumn("created_by", types.key, (column) => column.notNull())
    .addColumn("created_ms", "bigint", (column) => column.notNull())
    .addColumn("expires_ms", "bigint", (column) => column.notNull())
    .addColumn("max_uses", "bigint", (column) => column.notNull())
    .addColumn("uses", "bigint", (column) => column.notNull())
    .addColumn("is_revoked", "integer", (column) => column.notNull())
    .addColumn("capabilities", "text", (column) => column.notNull())
    .addCheckConstraint("invites_uses", sql`uses <= max_uses`)
    .execute();
  await trx.schema.createIndex("invites_newest").on("invites").columns(["created_ms", "nonce"]).execute();
  await trx.schema
    .createIndex("invites_of_creator")
    .on("invites")
    .columns(["created_by", "created_ms", "nonce"])
    .execute();
}

async function createKeys(trx: Trx, types: ColumnTypes): Promise<void> {
  await trx.schema
    .createTable("keys")
    .addColumn("hash", types.key, (column) => column.primaryKey().notNull())
    .addColumn("agent_id", types.key, (column) => column.notNull().references("agents.agent_id"))
    .addColumn("created_ms", "bigint", (column) => column.notNull())
    .addColumn("expires_ms", "bigint")
    .execute();
  await trx.schema.createIndex("keys_of_agent").on("keys").column("agent_id").execute();
  await trx.schema
    .createTable("secrets")
    .addColumn("kid", types.key, (column) => column.primaryKey().notNull())
    .addColumn("secret", types.bytes, (column) => column.notNull())
    .addColumn("created_ms", "bigint", (column) => column.notNull())
    .execute();
}

async function createAccessRules(trx: Trx, types: ColumnTypes): Promise<void> {
  await trx.schema
    .createTable("access_rules")
    .addColumn("owner_id", types.key, (column) => column.notNull().references("agents.agent_id"))
    .addColumn("subject", types.key, (column) => column.notNull())
    .addColumn("mode", "text", (column) => column.notNull())
    .addPrimaryKeyConstraint("access_rules_pk", ["owner_id", "subject"])
    .execute();
}

async function createChannels(trx: Trx, types: ColumnTypes): Promise<void> {
  await trx.schema
    .createTable("channels")
    .addColumn("channel_id", types.key, (column) => column.primaryKey().notNull())
    .addColumn("owner_id", types.key, (column) => column.notNull())
    .addColumn("description", "text", (column) => column.notNull())
    .addColumn("is_private", "integer", (column) => column.notNull())
    .addColumn("member_count", "bigint", (column) => column.notNull())
    .addColumn("created_ms", "bigint", (column) => column.notNull())
    .addColumn("is_deleted", "integer", (column) => column.notNull())
    .execute();
  await trx.schema.createIndex("channels_of_owner").on("channels").column("owner_id").execute();
  await trx.schema
    .createTable("channel_members")
    .addColumn("channel_id", types.key, (column) => column.notNull().references("channels.channel_id"))
    .addColumn("member_id", types.key, (column) => column.notNull())
    .addPrimaryKeyConstraint("channel_members_pk", ["channel_id", "member_id"])
    .execute();
  await trx.schema
    .createIndex("channels_of_member")
    .on("channel_members")
    .columns(["member_id", "channel_id"])
    .execute();
}

async function createOutcomes(trx: Trx, types: ColumnTypes): Promise<void> {
  await trx.schema
    .createTable("outcomes")
    .addColumn("message_id", types.key, (column) => column.primaryKey().notNull())
    .addColumn("sender_id", types.key, (column) => column.notNull())
    .addColumn("receiver", "text", (column) => column.notNull())
    .addColumn("state", "text", (column) => column.notNull())
    .addColumn("note", "text", (column) => column.notNull())
    .addColumn("at_ms", "bigint", (column) => column.notNull())
    .execute();
  await trx.schema
    .createIndex("outcomes_dead")
    .on("outcomes")
    .columns(["sender_id", "message_id"])
    .where(sql.ref("state"), "<>", sql.lit("processed"))
    .execute();
  await trx.schema.createIndex("outcomes_oldest").on("outcomes").column("at_ms").execute();
}

async function createTraffic(trx: Trx, types: ColumnTypes): Promise<void> {
  await trx.schema
    .createTable("traffic_edges")
    .addColumn("from_id", types.key, (column) => column.notNull())
    .addColumn("to_id", types.key, (column) => column.notNull())
    .addColumn("messages", "bigint", (column) => column.notNull())
    .addColumn("bytes", "bigint", (column) => column.notNull())
    .addColumn("last_ms", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("traffic_edges_pk", ["from_id", "to_id"])
    .execute();
  await trx.schema.createIndex("traffic_edges_to").on("traffic_edges").column("to_id").execute();
  await trx.schema.createIndex("traffic_edges_busiest").on("traffic_edges").column("messages").execute();
  await trx.schema
    .createTable("traffic_months")
    .addColumn("agent_id", types.key, (column) => column.notNull())
    .addColumn("month", types.key, (column) => column.notNull())
    .addColumn("messages", "bigint", (column) => column.notNull())
    .addPrimaryKeyConstraint("traffic_months_pk", ["agent_id", "month"])
    .execute();
  await trx.schema
    .createTable("traffic_totals")
    .addColumn("id", "integer", (column) => column.primaryKey().notNull())
    .addColumn("messages", "bigint", (column) => column.notNull())
    .addColumn("bytes", "bigint", (column) => column.notNull())
    .execute();
  await trx.insertInto("traffic_totals").values({ id: 1, messages: 0, bytes: 0 }).execute();
}
