import { open, type RangeOptions, type RootDatabase } from "lmdb";
import { MeshError, meshErrorFromUnknown } from "../../../model/errors.ts";
import { createCopies } from "./copy.ts";
import { freeBytes, storageFull } from "./disk-full.ts";
import { allocateLockFile } from "./lock-file.ts";

interface Measured {
  getStats(): object;
}

type Range<K> = Pick<RangeOptions, "limit" | "reverse"> & { start?: K; end?: K };

/** Puts and removes take part in the `commit` that runs; its promise stands for theirs. */
export interface Table<K = Buffer> {
  get(key: K): Buffer | undefined;
  doesExist(key: K): boolean;
  getRange(range: Range<K>): Iterable<{ readonly key: K; readonly value: Buffer }>;
  getKeys(range: Range<K>): Iterable<K>;
  put(key: K, value: Buffer): void;
  remove(key: K): void;
}

/** The LMDB environment of one log and its tables; all keys and values binary (keys.ts, chunk.ts). */
export interface Environment {
  /** Name of a stream to its number. */
  readonly streams: Table<string>;
  /** Number of a stream to its name. */
  readonly names: Table;
  /** Stream number to what trimming left behind: epoch, last offset, bytes. */
  readonly tails: Table;
  readonly chunks: Table;
  readonly marks: Table;
  readonly dedupes: Table;
  readonly dedupeExpiries: Table;
  /** First id of a commit to the chunks of that commit: how a message id is found again. */
  readonly commits: Table;
  /** Stream number and an earlier epoch to the last offset that the stream had in it. */
  readonly epochEnds: Table;
  /** Of all streams: see epochs.ts. */
  readonly epoch: number;
  /** Within a commit; counts from the next opening on. */
  putEpoch(epoch: number): void;
  /**
   * Runs the puts and removes of `write` as one transaction; answers when it is durable. One at a time.
   * @throws MeshError storage_full, unavailable (nothing was written); internal (`write` threw: a part was written)
   */
  commit(write: () => void): Promise<void>;
  readonly path: string;
  /** Counted by LMDB itself: at once, however many there are. */
  streamCount(): number;
  /** Room within the file, about. */
  unusedBytes(): number;
  /** Lets the next read see the newest state also after a failed commit. */
  refreshReads(): void;
  /** A copy of one moment, without the pages that are free. Runs beside the event loop and beside commits. */
  copyTo(folder: string): Promise<void>;
  close(): Promise<void>;
}

const EPOCH_KEY = Buffer.from("epoch");
const MAX_TABLES = 12;
/** A write that fails with less room than this failed for want of room. */
const FULL_DISK_BYTES = 16_777_216;

/**
 * Opens or creates the environment. `power`: a commit answers after fdatasync; `process`: after it is in the page
 * cache. The two can be changed between runs.
 *
 * Never with writemap: a full disk would kill the process. Without overlapping sync: with one commit in flight it
 * saves no flush, makes commits visible that may yet fail, and hides a failed write of the flushed meta page.
 */
export async function openEnvironment(path: string, durability: "power" | "process"): Promise<Environment> {
  const options = {
    path,
    keyEncoding: "binary",
    encoding: "binary",
    maxDbs: MAX_TABLES,
    overlappingSync: false,
    noSync: durability === "process",
    // A transaction is one `batch` and starts at once. Batching by event turn adds a promise that nobody can hold,
    // whose rejection would end the process when a commit fails.
    eventTurnBatching: false,
    txnStartThreshold: 1,
  } as const;
  await allocateLockFile(path);
  const root = open<Buffer, Buffer>(options);
  const table = (name: string) =>
    root.openDB<Buffer, Buffer>({ name, keyEncoding: "binary", encoding: "binary" });
  const epoch = await readEpoch(root);
  const copies = createCopies((folder) => root.backup(folder, true));
  const streams = root.openDB<Buffer, string>({ name: "streams", encoding: "binary" });
  const tables = {
    streams,
    names: table("names"),
    tails: table("tails"),
    chunks: table("chunks"),
    marks: table("marks"),
    dedupes: table("dedupes"),
    dedupeExpiries: table("dedupe-expiries"),
    commits: table("commits"),
    epochEnds: table("epoch-ends"),
  };
  return {
    ...tables,
    path,
    epoch,
    putEpoch: (next) => void root.put(EPOCH_KEY, epochBytes(next)),
    commit: (write) => commitOnce(root, path, write),
    streamCount: () => numberAt(tables.names.getStats(), "entryCount"),
    unusedBytes: () => unusedBytes(root, Object.values(tables)),
    refreshReads: () => root.resetReadTxn(),
    copyTo: copies.run,
    // Not under a copy: its thread reads the map that closing takes away.
    close: () => copies.ended().then(() => root.close()),
  };
}

async function readEpoch(root: RootDatabase<Buffer, Buffer>): Promise<number> {
  const stored = root.get(EPOCH_KEY);
  if (stored !== undefined) return stored.readUInt32BE(0);
  await root.put(EPOCH_KEY, epochBytes(1));
  return 1;
}

function epochBytes(epoch: number): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(epoch, 0);
  return bytes;
}

async function commitOnce(
  root: RootDatabase<Buffer, Buffer>,
  path: string,
  write: () => void,
): Promise<void> {
  let mistake: unknown;
  try {
    await root.batch(() => {
      try {
        write();
      } catch (thrown) {
        mistake = thrown;
      }
    });
  } catch (thrown) {
    throw await storageError(thrown, path);
  }
  if (mistake !== undefined) throw meshErrorFromUnknown(mistake);
}

/** LMDB puts the reason of a failed commit into a promise on the error, and calls a short write an I/O error. */
async function storageError(thrown: unknown, path: string): Promise<MeshError> {
  const reason: unknown = thrown instanceof Error ? Reflect.get(thrown, "commitError") : undefined;
  const cause = await Promise.resolve(reason ?? thrown).catch((error: unknown) => error);
  const text = cause instanceof Error ? cause.message : String(cause);
  if (/no space|MDB_MAP_FULL|disk quota|file too large/i.test(text)) return storageFull(cause);
  if (/input\/output error/i.test(text) && freeBytes(path) < FULL_DISK_BYTES) return storageFull(cause);
  return new MeshError("unavailable", "the hub could not store", {
    hint: "nothing was accepted; try again",
    retryAfterS: 5,
    cause,
  });
}

/** Pages of the file that no table holds; LMDB writes them again before the file grows. */
function unusedBytes(root: RootDatabase<Buffer, Buffer>, tables: readonly Measured[]): number {
  const stats = root.getStats();
  const pages = (of: unknown): number =>
    numberAt(of, "treeBranchPageCount") + numberAt(of, "treeLeafPageCount") + numberAt(of, "overflowPages");
  let used = pages(stats) + pages(Reflect.get(stats, "free"));
  for (const table of tables) used += pages(table.getStats());
  return Math.max(0, numberAt(stats, "lastPageNumber") - used) * numberAt(stats, "pageSize");
}

function numberAt(record: unknown, name: string): number {
  const value: unknown = typeof record === "object" && record !== null ? Reflect.get(record, name) : 0;
  return typeof value === "number" ? value : 0;
}
