import { type Insertable, type Kysely, type Selectable, sql } from "kysely";
import type { ReachRecord, ReachStore, RemoteTaskRecord } from "../../../ports/reach-store.ts";
import type { Database } from "../schema.ts";
import { storedText } from "./stored-text.ts";

export function createReachStore(db: Kysely<Database>): ReachStore {
  return {
    async find(agentId) {
      const row = await db
        .selectFrom("reaches")
        .selectAll()
        .where("agent_id", "=", agentId)
        .executeTakeFirst();
      return row === undefined ? undefined : reachFromRow(row);
    },

    put: (reach) => put(db, reach),

    async remove(agentId) {
      await db.deleteFrom("reaches").where("agent_id", "=", agentId).execute();
    },

    async task(taskId) {
      const row = await db
        .selectFrom("remote_tasks")
        .selectAll()
        .where("task_id", "=", taskId)
        .executeTakeFirst();
      return row === undefined ? undefined : taskFromRow(row);
    },

    async putTask(task) {
      const { task_id: _taskId, ...fields } = rowFromTask(task);
      await db
        .insertInto("remote_tasks")
        .values(rowFromTask(task))
        .onConflict((conflict) => conflict.column("task_id").doUpdateSet(fields))
        .execute();
    },

    async openTasks(agentId, afterId, limit) {
      const rows = await db
        .selectFrom("remote_tasks")
        .selectAll()
        .where("agent_id", "=", agentId)
        .where("is_open", "=", 1)
        .where("task_id", ">", afterId)
        .orderBy("task_id")
        .limit(limit)
        .execute();
      return rows.map(taskFromRow);
    },

    async remoteContext(agentId, contextId) {
      const row = await db
        .selectFrom("remote_tasks")
        .select("remote_context_id")
        .where("agent_id", "=", agentId)
        .where("context_id", "=", storedText(contextId))
        .where("remote_context_id", "<>", "")
        .orderBy("changed_ms", "desc")
        .orderBy("task_id", "desc")
        .limit(1)
        .executeTakeFirst();
      return row?.remote_context_id;
    },
  };
}

/** In one statement, so that none is left behind by a removal that comes in between. */
async function put(db: Kysely<Database>, reach: ReachRecord): Promise<void> {
  const fields = {
    dialect: reach.dialect,
    address: storedText(reach.address),
    facts: storedText(reach.facts),
    checked_ms: reach.checkedUnixMs,
  };
  await db
    .insertInto("reaches")
    .columns(["agent_id", "dialect", "address", "facts", "checked_ms"])
    .expression((eb) =>
      eb
        .selectFrom("agents")
        .select([
          "agent_id",
          sql.val(fields.dialect).as("dialect"),
          sql.val(fields.address).as("address"),
          sql.val(fields.facts).as("facts"),
          sql.val(fields.checked_ms).as("checked_ms"),
        ])
        .where("agent_id", "=", reach.agentId)
        .where("deleted_ms", "is", null),
    )
    .onConflict((conflict) => conflict.column("agent_id").doUpdateSet(fields))
    .execute();
}

function reachFromRow(row: Selectable<Database["reaches"]>): ReachRecord {
  return {
    agentId: row.agent_id,
    dialect: row.dialect,
    address: row.address,
    facts: row.facts,
    checkedUnixMs: Number(row.checked_ms),
  };
}

function taskFromRow(row: Selectable<Database["remote_tasks"]>): RemoteTaskRecord {
  return {
    taskId: row.task_id,
    agentId: row.agent_id,
    contextId: row.context_id,
    remoteTaskId: row.remote_task_id,
    remoteContextId: row.remote_context_id,
    isOpen: row.is_open === 1,
    changedUnixMs: Number(row.changed_ms),
  };
}

function rowFromTask(task: RemoteTaskRecord): Insertable<Database["remote_tasks"]> {
  return {
    task_id: task.taskId,
    agent_id: task.agentId,
    context_id: storedText(task.contextId),
    remote_task_id: storedText(task.remoteTaskId),
    remote_context_id: storedText(task.remoteContextId),
    is_open: task.isOpen ? 1 : 0,
    changed_ms: task.changedUnixMs,
  };
}
