/** The thread that owns the connection, since a commit blocks its thread for a whole fsync. */
import { closeSync, openSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";
import { parentPort, workerData } from "node:worker_threads";
import { faultFromUnknown } from "./fault.ts";
import type { DatabaseThreadData, Outcome, Reply, Request } from "./protocol.ts";
import { createStatementRunner, type StatementRunner } from "./statement-runner.ts";

const BUSY_TIMEOUT_MS = 5000;

/**
 * synchronous=FULL makes every commit durable at power loss; fullfsync is what that takes on macOS and means
 * nothing elsewhere. What is deleted is overwritten (secure_delete). The size limit gives the log's disk space back after a burst.
 */
const PRAGMAS = `
  pragma journal_mode = wal;
  pragma synchronous = full;
  pragma fullfsync = on;
  pragma checkpoint_fullfsync = on;
  pragma journal_size_limit = 16777216;
  pragma cache_size = -16384;
  pragma temp_store = memory;
  pragma secure_delete = on;
  pragma trusted_schema = off;
`;

const DONE: Outcome = { ok: true, result: { rows: [], changes: 0 } };

function openDatabase(path: string): DatabaseSync {
  createPrivateFile(path);
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS, enableForeignKeyConstraints: true });
  db.exec(PRAGMAS);
  return db;
}

/** SQLite gives its side files the mode of the main one, which holds token secrets. */
function createPrivateFile(path: string): void {
  try {
    closeSync(openSync(path, "ax", 0o600));
  } catch (thrown) {
    if (!(thrown instanceof Error && "code" in thrown && thrown.code === "EEXIST")) throw thrown;
  }
}

function serve(db: DatabaseSync, runner: StatementRunner, request: Request): Reply {
  switch (request.kind) {
    case "run":
      return runner.run(request.statements);
    case "begin":
      return [runner.begin()];
    case "commit":
      return [runner.commit()];
    case "rollback":
      return [runner.rollback()];
    case "close":
      db.close();
      return [DONE];
  }
}

function start(): void {
  if (parentPort === null) throw new Error("this file runs as a worker thread only");
  const port = parentPort;
  const { path }: DatabaseThreadData = workerData;
  const faultFrom = (thrown: unknown) => faultFromUnknown(thrown, path);
  const reply = (outcomes: Reply): void => port.postMessage(outcomes);
  try {
    const db = openDatabase(path);
    const runner = createStatementRunner(db, faultFrom);
    port.on("message", (request: Request) => {
      reply(serve(db, runner, request));
      if (request.kind === "close") port.close();
    });
    reply([DONE]);
  } catch (thrown) {
    reply([{ ok: false, fault: faultFrom(thrown) }]);
    port.close();
  }
}

start();
