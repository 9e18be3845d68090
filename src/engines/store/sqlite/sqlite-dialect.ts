import {
  type CompiledQuery,
  type DatabaseConnection,
  type Dialect,
  type Driver,
  type QueryResult,
  SqliteAdapter,
  SqliteIntrospector,
  SqliteQueryCompiler,
} from "kysely";
import { MeshError } from "../../../model/errors.ts";
import type { DatabaseGate } from "./database-gate.ts";
import type { SqlValue, Statement, StatementResult } from "./protocol.ts";

/** Kysely over the gate. Whoever made the gate closes it. */
export function createSqliteDialect(gate: DatabaseGate): Dialect {
  return {
    createAdapter: () => new GateAdapter(),
    createDriver: () => createDriver(gate),
    createIntrospector: (db) => new SqliteIntrospector(db),
    createQueryCompiler: () => new SqliteQueryCompiler(),
  };
}

/** The gate orders the callers; Kysely's own lock before it would keep statements from sharing a commit. */
class GateAdapter extends SqliteAdapter {
  override get supportsMultipleConnections(): boolean {
    return true;
  }
}

function createDriver(gate: DatabaseGate): Driver {
  return {
    init: async () => undefined,
    acquireConnection: async () => new GateConnection(gate),
    beginTransaction: (connection) => gateConnection(connection).begin(),
    commitTransaction: (connection) => gateConnection(connection).end("commit"),
    rollbackTransaction: (connection) => gateConnection(connection).end("rollback"),
    releaseConnection: async (connection) => gateConnection(connection).release(),
    destroy: async () => undefined,
  };
}

/** One caller's view of the single connection: outside a transaction it holds nothing. */
class GateConnection implements DatabaseConnection {
  readonly #gate: DatabaseGate;
  #leave: (() => void) | undefined;

  constructor(gate: DatabaseGate) {
    this.#gate = gate;
  }

  async begin(): Promise<void> {
    this.#leave = await this.#gate.enter();
    await this.#gate.runInside({ kind: "begin" });
  }

  async end(kind: "commit" | "rollback"): Promise<void> {
    await this.#gate.runInside({ kind });
  }

  /** The turn ends here, whatever came before. */
  release(): void {
    this.#leave?.();
    this.#leave = undefined;
  }

  async executeQuery<Row>(query: CompiledQuery): Promise<QueryResult<Row>> {
    const statement = statementFromQuery(query);
    const result =
      this.#leave === undefined
        ? await this.#gate.run(statement)
        : await this.#gate.runInside({ kind: "run", statements: [statement] });
    return queryResultFrom(result);
  }

  async *streamQuery<Row>(query: CompiledQuery): AsyncIterableIterator<QueryResult<Row>> {
    yield await this.executeQuery<Row>(query);
  }
}

function gateConnection(connection: DatabaseConnection): GateConnection {
  if (connection instanceof GateConnection) return connection;
  throw new MeshError("internal", "a connection of another driver");
}

function queryResultFrom<Row>(result: StatementResult): QueryResult<Row> {
  // Kysely derives Row from the query and the schema; nothing here could check it.
  const rows = result.rows as Row[];
  return { rows, numAffectedRows: BigInt(result.changes) };
}

function statementFromQuery({ query, sql, parameters }: CompiledQuery): Statement {
  const changesRows =
    query.kind === "InsertQueryNode" || query.kind === "UpdateQueryNode" || query.kind === "DeleteQueryNode";
  return {
    sql,
    params: parameters.map(sqlValue),
    wants: changesRows && query.returning === undefined ? "changes" : "rows",
    isWrite: query.kind !== "SelectQueryNode",
  };
}

function sqlValue(param: unknown): SqlValue {
  if (param === null || typeof param === "string" || typeof param === "number" || typeof param === "bigint") {
    return param;
  }
  if (param instanceof Uint8Array) return param;
  throw new MeshError("internal", `the store cannot keep a ${typeof param}`);
}
