import type { ErasureStore } from "../../../ports/erasure-store.ts";
import type { OpenStores } from "../../../ports/stores.ts";
import { DatabaseClient } from "./database-client.ts";
import { DatabaseGate } from "./database-gate.ts";

export interface SqliteStoresOptions {
  /** The database file; made with mode 0600 when it is not there. */
  readonly path: string;
  /** Module URLs that the database thread loads before anything else, as `node --import` does. */
  readonly preloads?: readonly string[];
  /**
   * Called once when the database thread dies. Every call that waits and every later one rejects with unavailable,
   * so the hub has to stop.
   */
  readonly onFatal: (error: Error) => void;
}

/**
 * All stores in one SQLite file, owned by a thread of its own. Writes survive power loss when they answer.
 * One process at a time: see the data directory's lock.
 * @throws MeshError unavailable when the file cannot be used or a newer hub wrote it, storage_full
 */
export async function openSqliteStores(
  options: SqliteStoresOptions,
): Promise<OpenStores & { readonly erasures: ErasureStore }> {
  // The thread starts while this one loads the query builder: each takes about a fifth of a hub's start.
  const [client, { openGateStores }] = await Promise.all([
    DatabaseClient.open(options),
    import("./gate-stores.ts"),
  ]);
  const gate = new DatabaseGate(client);
  try {
    const stores = await openGateStores(gate);
    return { ...stores, [Symbol.asyncDispose]: () => gate.close() };
  } catch (thrown) {
    await gate.close();
    throw thrown;
  }
}
