import type { Kysely, Selectable, Transaction } from "kysely";
import { MeshError } from "../../../model/errors.ts";
import type { ChannelRecord, ChannelStore } from "../../../ports/channel-store.ts";
import type { Database } from "../schema.ts";
import { chunksOf } from "./chunks.ts";
import { storedText } from "./stored-text.ts";

export function createChannelStore(db: Kysely<Database>): ChannelStore {
  return {
    create: (channel, members) => create(db, channel, members),

    async find(channelId) {
      const row = await db
        .selectFrom("channels")
        .selectAll()
        .where("channel_id", "=", channelId)
        .where("is_deleted", "=", 0)
        .executeTakeFirst();
      return row === undefined ? undefined : channelFromRow(row);
    },

    list: (memberId, afterId, limit) => list(db, memberId, afterId, limit),

    async members(channelId, afterId, limit) {
      const rows = await db
        .selectFrom("channel_members")
        .select("member_id")
        .where("channel_id", "=", channelId)
        .where("member_id", ">", afterId)
        .orderBy("member_id")
        .limit(limit)
        .execute();
      return rows.map((row) => row.member_id);
    },

    changeMembers: (channelId, add, remove) =>
      db.transaction().execute(async (trx) => {
        const added = await addMembers(trx, channelId, add);
        const removed = await removeMembers(trx, channelId, remove);
        await addToMemberCount(trx, channelId, added - removed);
      }),

    async remove(channelId) {
      await db
        .updateTable("channels")
        .set({ is_deleted: 1, member_count: 0, description: "" })
        .where("channel_id", "=", channelId)
        .execute();
    },

    async countOwned(ownerId) {
      const row = await db
        .selectFrom("channels")
        .select((eb) => eb.fn.countAll().as("owned"))
        .$if(ownerId !== undefined, (query) => query.where("owner_id", "=", ownerId ?? ""))
        .where("is_deleted", "=", 0)
        .executeTakeFirstOrThrow();
      return Number(row.owned);
    },
  };
}

function create(
  db: Kysely<Database>,
  channel: Omit<ChannelRecord, "memberCount">,
  members: readonly string[],
): Promise<boolean> {
  return db.transaction().execute(async (trx) => {
    const made = await trx
      .insertInto("channels")
      .values({
        channel_id: channel.channelId,
        owner_id: channel.ownerId,
        description: storedText(channel.description),
        is_private: channel.isPrivate ? 1 : 0,
        member_count: 0,
        created_ms: channel.createdUnixMs,
        is_deleted: 0,
      })
      .onConflict((conflict) => conflict.column("channel_id").doNothing())
      .executeTakeFirst();
    if (made.numInsertedOrUpdatedRows !== 1n) return false;
    await addToMemberCount(trx, channel.channelId, await addMembers(trx, channel.channelId, members));
    return true;
  });
}

async function list(
  db: Kysely<Database>,
  memberId: string | undefined,
  afterId: string,
  limit: number,
): Promise<readonly ChannelRecord[]> {
  let query = db.selectFrom("channels").selectAll().where("is_deleted", "=", 0);
  if (memberId !== undefined) {
    query = query.where((eb) =>
      eb.or([
        eb("is_private", "=", 0),
        eb.exists(
          eb
            .selectFrom("channel_members")
            .select("member_id")
            .whereRef("channel_members.channel_id", "=", "channels.channel_id")
            .where("member_id", "=", memberId),
        ),
      ]),
    );
  }
  const rows = await query.where("channel_id", ">", afterId).orderBy("channel_id").limit(limit).execute();
  return rows.map(channelFromRow);
}

async function addMembers(
  trx: Transaction<Database>,
  channelId: string,
  members: readonly string[],
): Promise<number> {
  let added = 0n;
  for (const chunk of chunksOf(members)) {
    const result = await trx
      .insertInto("channel_members")
      .values(chunk.map((memberId) => ({ channel_id: channelId, member_id: memberId })))
      .onConflict((conflict) => conflict.columns(["channel_id", "member_id"]).doNothing())
      .executeTakeFirst();
    added += result.numInsertedOrUpdatedRows ?? 0n;
  }
  return Number(added);
}

async function removeMembers(
  trx: Transaction<Database>,
  channelId: string,
  members: readonly string[],
): Promise<number> {
  let removed = 0n;
  for (const chunk of chunksOf(members)) {
    const result = await trx
      .deleteFrom("channel_members")
      .where("channel_id", "=", channelId)
      .where("member_id", "in", chunk)
      .executeTakeFirst();
    removed += result.numDeletedRows;
  }
  return Number(removed);
}

/** Undoes the transaction when the channel is gone, so that a deleted one never gets members. */
async function addToMemberCount(
  trx: Transaction<Database>,
  channelId: string,
  change: number,
): Promise<void> {
  const counted = await trx
    .updateTable("channels")
    .set((eb) => ({ member_count: eb("member_count", "+", change) }))
    .where("channel_id", "=", channelId)
    .where("is_deleted", "=", 0)
    .executeTakeFirst();
  if (counted.numUpdatedRows > 0n) return;
  throw new MeshError("not_found", `no channel ${JSON.stringify(channelId.slice(0, 80))}`, {
    hint: "GET /channels lists the channels that you may see",
  });
}

function channelFromRow(row: Selectable<Database["channels"]>): ChannelRecord {
  return {
    channelId: row.channel_id,
    ownerId: row.owner_id,
    description: row.description,
    isPrivate: row.is_private === 1,
    createdUnixMs: Number(row.created_ms),
    memberCount: Number(row.member_count),
  };
}
