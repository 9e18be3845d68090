import { DatabaseSync } from "node:sqlite";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { faultFromUnknown } from "../../../../src/engines/store/sqlite/fault.ts";
import type { Outcome, Statement } from "../../../../src/engines/store/sqlite/protocol.ts";
import {
  createStatementRunner,
  type StatementRunner,
} from "../../../../src/engines/store/sqlite/statement-runner.ts";

const FULL = 13;
const CONSTRAINT = 19;

describe("statement runner", () => {
  let db: DatabaseSync;
  let runner: StatementRunner;

  beforeEach(() => {
    db = new DatabaseSync(":memory:");
    db.exec("create table item (id integer primary key, body blob)");
    db.exec("create table part (item_id integer references item(id) deferrable initially deferred)");
    runner = createStatementRunner(db, (thrown) => faultFromUnknown(thrown, "/"));
  });
  afterEach(() => db.close());

  const ids = () =>
    db
      .prepare("select id from item order by id")
      .all()
      .map((row) => row["id"]);

  it("gives each statement its own outcome, in order", () => {
    const outcomes = runner.run([insert(1), insert(2), read, insert(1), insert(3)]);
    expect(outcomes.map(summary)).toEqual(["1 changed", "1 changed", "2 rows", CONSTRAINT, "1 changed"]);
    expect(ids()).toEqual([1, 2, 3]);
    expect(db.isTransaction).toBe(false);
  });

  it("runs each alone when one of a group fills the disk", () => {
    db.exec("pragma max_page_count = 20");
    const outcomes = runner.run([insert(1), insert(2, 1_000_000), insert(3)]);
    expect(outcomes.map(summary)).toEqual(["1 changed", FULL, "1 changed"]);
    expect(ids()).toEqual([1, 3]);
    expect(db.isTransaction).toBe(false);
  });

  it("runs each alone when the group cannot be committed", () => {
    const orphan: Statement = { ...insert(0), sql: "insert into part values (?)", params: [99] };
    const outcomes = runner.run([insert(1), orphan, insert(2)]);
    expect(outcomes.map(summary)).toEqual(["1 changed", CONSTRAINT, "1 changed"]);
    expect(ids()).toEqual([1, 2]);
    expect(db.isTransaction).toBe(false);
  });

  it("leaves a transaction to whoever began it", () => {
    runner.begin();
    runner.run([insert(1), insert(2)]);
    expect(db.isTransaction).toBe(true);
    expect(summary(runner.rollback())).toBe("0 changed");
    expect(ids()).toEqual([]);
    expect(summary(runner.rollback()), "nothing to roll back").toBe("0 changed");
  });

  it("leaves no transaction behind when the commit fails", () => {
    runner.begin();
    runner.run([{ ...insert(0), sql: "insert into part values (?)", params: [99] }]);
    expect(summary(runner.commit())).toBe(CONSTRAINT);
    expect(db.isTransaction).toBe(false);
  });

  it("says so when a statement cannot be understood", () => {
    expect(runner.run([{ ...read, sql: "selec" }]).map(summary)).toEqual([1]);
  });

  it("prepares any number of different statements", () => {
    for (let count = 1; count <= 600; count += 1) {
      const [outcome] = runner.run([{ ...read, sql: `select ${count} as value` }]);
      expect(outcome).toMatchObject({ ok: true, result: { rows: [{ value: count }] } });
    }
  });
});

const read: Statement = { sql: "select id from item", params: [], wants: "rows", isWrite: false };

function insert(id: number, bodyBytes = 1): Statement {
  const params = [id, new Uint8Array(bodyBytes)];
  return { sql: "insert into item values (?, ?)", params, wants: "changes", isWrite: true };
}

function summary(outcome: Outcome): string | number {
  if (!outcome.ok) return outcome.fault.sqliteCode & 0xff;
  const { rows, changes } = outcome.result;
  return rows.length > 0 ? `${rows.length} rows` : `${changes} changed`;
}
