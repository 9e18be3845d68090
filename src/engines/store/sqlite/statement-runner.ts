import type { DatabaseSync, StatementSync } from "node:sqlite";
import type { Fault, Outcome, Statement } from "./protocol.ts";

const MAX_CACHED_STATEMENTS = 256;
const DONE: Outcome = { ok: true, result: { rows: [], changes: 0 } };

/** Runs statements on one connection. Everything is synchronous: it lives in the database thread. */
export interface StatementRunner {
  /**
   * Inside a transaction each statement runs as it comes. Outside, writes that came together share one commit,
   * yet each has the outcome that it would have alone: one that breaks a constraint undoes nothing but itself, and
   * when the group as a whole fails, each runs once more by itself.
   */
  run(statements: readonly Statement[]): readonly Outcome[];
  begin(): Outcome;
  /** A commit that fails leaves no transaction behind. */
  commit(): Outcome;
  /** No error when SQLite has rolled back by itself already, as it does on a full disk. */
  rollback(): Outcome;
}

export function createStatementRunner(
  db: DatabaseSync,
  faultFrom: (thrown: unknown) => Fault,
): StatementRunner {
  const cache = createStatementCache(db);

  const attempt = (action: () => Outcome): Outcome => {
    try {
      return action();
    } catch (thrown) {
      return { ok: false, fault: faultFrom(thrown) };
    }
  };
  const exec = (sql: string): Outcome =>
    attempt(() => {
      db.exec(sql);
      return DONE;
    });
  const runOne = (statement: Statement): Outcome => attempt(() => execute(cache(statement.sql), statement));

  const begin = (): Outcome => exec("begin immediate");
  const rollback = (): Outcome => (db.isTransaction ? exec("rollback") : DONE);
  const commit = (): Outcome => {
    const outcome = exec("commit");
    if (!outcome.ok) rollback();
    return outcome;
  };

  const runGroup = (statements: readonly Statement[]): readonly Outcome[] | undefined => {
    if (!begin().ok) return undefined;
    const outcomes: Outcome[] = [];
    for (const statement of statements) {
      outcomes.push(runOne(statement));
      if (!db.isTransaction) return undefined;
    }
    return commit().ok ? outcomes : undefined;
  };

  const run = (statements: readonly Statement[]): readonly Outcome[] => {
    const writes = statements.filter((statement) => statement.isWrite).length;
    const grouped = writes > 1 && !db.isTransaction ? runGroup(statements) : undefined;
    return grouped ?? statements.map(runOne);
  };

  return { run, begin, commit, rollback };
}

function execute(prepared: StatementSync, statement: Statement): Outcome {
  if (statement.wants === "rows") {
    const rows = prepared.all(...statement.params);
    return { ok: true, result: { rows, changes: rows.length } };
  }
  const { changes } = prepared.run(...statement.params);
  return { ok: true, result: { rows: [], changes: Number(changes) } };
}

/** Prepared statements by their text; those unused for longest go first. */
function createStatementCache(db: DatabaseSync): (sql: string) => StatementSync {
  const cache = new Map<string, StatementSync>();
  return (sql) => {
    const prepared = cache.get(sql) ?? db.prepare(sql);
    cache.delete(sql);
    cache.set(sql, prepared);
    if (cache.size > MAX_CACHED_STATEMENTS) {
      const oldest = cache.keys().next();
      if (!oldest.done) cache.delete(oldest.value);
    }
    return prepared;
  };
}
