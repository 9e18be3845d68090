import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { openSqliteStores } from "../../../../src/engines/store/sqlite/sqlite-stores.ts";
import type { OpenStores } from "../../../../src/ports/stores.ts";
import type { StoreDatabase } from "../../../suites/store/store-fixture.ts";

export interface SqliteDatabase extends StoreDatabase {
  readonly directory: string;
  readonly path: string;
}

/** An SQLite database in a directory of its own. A thread that dies fails the test. */
export async function createSqliteDatabase(): Promise<SqliteDatabase> {
  const directory = await mkdtemp(join(tmpdir(), "meshkore-store-"));
  const path = join(directory, "store.sqlite");
  return {
    directory,
    path,
    open: () => openStores(path),
    remove: () => rm(directory, { recursive: true }),
  };
}

/** Opens stores whose thread is not expected to die. */
export function openStores(path: string): Promise<OpenStores> {
  return openSqliteStores({
    path,
    onFatal: (error) => {
      throw error;
    },
  });
}
