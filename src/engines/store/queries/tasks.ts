import { type Kysely, type Selectable, type SelectQueryBuilder, sql } from "kysely";
import type { TaskQuery, TaskRecord, TaskStore } from "../../../ports/task-store.ts";
import type { Database } from "../schema.ts";
import { chunksOf } from "./chunks.ts";
import { storedText } from "./stored-text.ts";

type TaskRow = Selectable<Database["tasks"]>;
type Tasks = SelectQueryBuilder<Database, "tasks", object>;

export function createTaskStore(db: Kysely<Database>): TaskStore {
  return {
    create: (task, keysSinceUnixMs) => create(db, task, keysSinceUnixMs),

    async find(taskId) {
      const row = await db.selectFrom("tasks").selectAll().where("task_id", "=", taskId).executeTakeFirst();
      return row === undefined ? undefined : taskFromRow(row);
    },

    async change(taskId, { state, changedUnixMs, isSettled }) {
      await db
        .updateTable("tasks")
        .set({ state, changed_ms: changedUnixMs, is_settled: isSettled ? 1 : 0 })
        .where("task_id", "=", taskId)
        .execute();
    },

    async list(query) {
      const matching = matchingTasks(db.selectFrom("tasks"), query);
      const [rows, counted] = await Promise.all([
        behind(matching, query.after)
          .selectAll()
          .orderBy("changed_ms", "desc")
          .orderBy("task_id", "desc")
          .limit(query.limit)
          .execute(),
        matching.select((eb) => eb.fn.countAll().as("total")).executeTakeFirstOrThrow(),
      ]);
      return { tasks: rows.map(taskFromRow), total: Number(counted.total) };
    },

    async unsettled(afterId, limit) {
      const rows = await db
        .selectFrom("tasks")
        .selectAll()
        // A literal, not a parameter: only then does the partial index apply.
        .where("is_settled", "=", sql.lit<0>(0))
        .where("task_id", ">", afterId)
        .orderBy("task_id")
        .limit(limit)
        .execute();
      return rows.map(taskFromRow);
    },

    async unchangedSince(unixMs, limit) {
      const rows = await db
        .selectFrom("tasks")
        .selectAll()
        .where("changed_ms", "<", unixMs)
        .orderBy("changed_ms")
        .orderBy("task_id")
        .limit(limit)
        .execute();
      return rows.map(taskFromRow);
    },

    async remove(taskIds) {
      for (const chunk of chunksOf(taskIds)) {
        // First, so that none is left over when the rest fails.
        await db.deleteFrom("remote_tasks").where("task_id", "in", chunk).execute();
        await db.deleteFrom("pushes").where("task_id", "in", chunk).execute();
        await db.deleteFrom("tasks").where("task_id", "in", chunk).execute();
      }
    },
  };
}

async function create(
  db: Kysely<Database>,
  task: TaskRecord,
  keysSinceUnixMs: number,
): Promise<TaskRecord | undefined> {
  const row = rowFromTask(task);
  // One statement is a transaction by itself, and shares its commit with others: a key is hardly ever known.
  if (await insert(db, row)) return undefined;
  return db.transaction().execute(async (trx) => {
    await trx
      .updateTable("tasks")
      .set({ dedupe_key: null })
      .where((eb) => eb.and(keyOf(row)))
      .where("created_ms", "<", keysSinceUnixMs)
      .execute();
    if (await insert(trx, row)) return undefined;
    const known = trx
      .selectFrom("tasks")
      .selectAll()
      .where((eb) => eb.and(keyOf(row)));
    return taskFromRow(await known.executeTakeFirstOrThrow());
  });
}

function keyOf({ caller, worker, dedupe_key }: TaskRow) {
  return { caller, worker, dedupe_key };
}

/** False when the key is taken. */
async function insert(db: Kysely<Database>, row: TaskRow): Promise<boolean> {
  const made = await db
    .insertInto("tasks")
    .values(row)
    .onConflict((conflict) => conflict.columns(["caller", "worker", "dedupe_key"]).doNothing())
    .executeTakeFirst();
  return made.numInsertedOrUpdatedRows === 1n;
}

function matchingTasks(
  tasks: Tasks,
  { party, peer, worker, contextId, state, changedAfterUnixMs, isUnsettled }: TaskQuery,
): Tasks {
  let query = party === undefined ? tasks : tasksOf(tasks, party, peer);
  // A literal, not a parameter: only then does the partial index apply.
  if (isUnsettled === true) query = query.where("is_settled", "=", sql.lit<0>(0));
  if (worker !== undefined) query = query.where("worker", "=", worker);
  if (contextId !== undefined) query = query.where("context_id", "=", storedText(contextId));
  if (state !== undefined) query = query.where("state", "=", state);
  if (changedAfterUnixMs !== undefined) query = query.where("changed_ms", ">", changedAfterUnixMs);
  return query;
}

function tasksOf(tasks: Tasks, party: string, peer: string | undefined): Tasks {
  return tasks.where((eb) =>
    peer === undefined
      ? eb.or([eb("caller", "=", party), eb("worker", "=", party)])
      : eb.or([
          eb.and([eb("caller", "=", party), eb("worker", "=", peer)]),
          eb.and([eb("caller", "=", peer), eb("worker", "=", party)]),
        ]),
  );
}

function behind(tasks: Tasks, after: TaskQuery["after"]): Tasks {
  if (after === undefined) return tasks;
  return tasks.where((eb) =>
    eb.or([
      eb("changed_ms", "<", after.changedUnixMs),
      eb.and([eb("changed_ms", "=", after.changedUnixMs), eb("task_id", "<", after.taskId)]),
    ]),
  );
}

function rowFromTask(task: TaskRecord): TaskRow {
  return {
    task_id: task.taskId,
    context_id: storedText(task.contextId),
    caller: task.caller,
    worker: task.worker,
    dedupe_key: task.dedupeKey === "" ? null : storedText(task.dedupeKey),
    tells_caller: task.tellsCaller ? 1 : 0,
    state: task.state,
    changed_ms: task.changedUnixMs,
    created_ms: task.createdUnixMs,
    is_settled: task.isSettled ? 1 : 0,
  };
}

function taskFromRow(row: TaskRow): TaskRecord {
  return {
    taskId: row.task_id,
    contextId: row.context_id,
    caller: row.caller,
    worker: row.worker,
    dedupeKey: row.dedupe_key ?? "",
    tellsCaller: row.tells_caller === 1,
    state: Number(row.state),
    changedUnixMs: Number(row.changed_ms),
    createdUnixMs: Number(row.created_ms),
    isSettled: row.is_settled === 1,
  };
}
