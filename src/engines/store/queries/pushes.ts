import type { Insertable, Kysely, Selectable } from "kysely";
import { MeshError } from "../../../model/errors.ts";
import type { PushRecord, PushStore } from "../../../ports/push-store.ts";
import type { Database } from "../schema.ts";
import { storedText } from "./stored-text.ts";

export function createPushStore(db: Kysely<Database>): PushStore {
  return {
    put: (push, most) => put(db, push, most),

    async find(taskId, configId) {
      const row = await db
        .selectFrom("pushes")
        .selectAll()
        .where("task_id", "=", taskId)
        .where("config_id", "=", storedText(configId))
        .executeTakeFirst();
      return row === undefined ? undefined : pushFromRow(row);
    },

    async list(taskId, afterId, limit) {
      const rows = await db
        .selectFrom("pushes")
        .selectAll()
        .where("task_id", "=", taskId)
        .where("config_id", ">", storedText(afterId))
        .orderBy("config_id")
        .limit(limit)
        .execute();
      return rows.map(pushFromRow);
    },

    async progress(taskId, configId, { sent, stopped }) {
      await db
        .updateTable("pushes")
        .set((eb) => ({
          sent: eb.case().when("sent", "<", sent).then(sent).else(eb.ref("sent")).end(),
          stopped_ms: stopped?.atUnixMs ?? null,
          stopped_reason: storedText(stopped?.reason ?? ""),
        }))
        .where("task_id", "=", taskId)
        .where("config_id", "=", storedText(configId))
        .execute();
    },

    async remove(taskId, configId) {
      const removed = await db
        .deleteFrom("pushes")
        .where("task_id", "=", taskId)
        .where("config_id", "=", storedText(configId))
        .executeTakeFirst();
      return removed.numDeletedRows > 0n;
    },

    async openTasks(afterId, limit) {
      const rows = await db
        .selectFrom("pushes")
        .select("task_id")
        .distinct()
        .where("stopped_ms", "is", null)
        .where("task_id", ">", afterId)
        .orderBy("task_id")
        .limit(limit)
        .execute();
      return rows.map((row) => row.task_id);
    },
  };
}

function put(db: Kysely<Database>, push: PushRecord, most: number): Promise<void> {
  return db.transaction().execute(async (trx) => {
    const { task_id: _taskId, config_id: _configId, ...fields } = rowFromPush(push);
    await trx
      .insertInto("pushes")
      .values(rowFromPush(push))
      .onConflict((conflict) => conflict.columns(["task_id", "config_id"]).doUpdateSet(fields))
      .execute();
    // Counted behind the write, which holds the lock: of two at once the second one sees the first.
    const { known } = await trx
      .selectFrom("pushes")
      .select((eb) => eb.fn.countAll().as("known"))
      .where("task_id", "=", push.taskId)
      .executeTakeFirstOrThrow();
    if (Number(known) <= most) return;
    throw new MeshError("failed_precondition", `a task has at most ${most} push notification configs`, {
      hint: "delete one, or give the id of one that is to be replaced",
    });
  });
}

function pushFromRow(row: Selectable<Database["pushes"]>): PushRecord {
  return {
    taskId: row.task_id,
    configId: row.config_id,
    ownerId: row.owner_id,
    dialect: row.dialect,
    url: row.url,
    token: row.token,
    scheme: row.scheme,
    credentials: row.credentials,
    createdUnixMs: Number(row.created_ms),
    sent: Number(row.sent),
    stopped:
      row.stopped_ms === null ? undefined : { reason: row.stopped_reason, atUnixMs: Number(row.stopped_ms) },
  };
}

function rowFromPush(push: PushRecord): Insertable<Database["pushes"]> {
  return {
    task_id: push.taskId,
    config_id: storedText(push.configId),
    owner_id: push.ownerId,
    dialect: push.dialect,
    url: storedText(push.url),
    token: storedText(push.token),
    scheme: storedText(push.scheme),
    credentials: storedText(push.credentials),
    created_ms: push.createdUnixMs,
    sent: push.sent,
    stopped_ms: push.stopped?.atUnixMs ?? null,
    stopped_reason: storedText(push.stopped?.reason ?? ""),
  };
}
