import type { LogRecord, StreamName } from "./message-log.ts";

/** What a stream holds that its reader `inbox` has not acknowledged. */
export interface Backlog {
  readonly records: number;
  readonly bytes: number;
}

/** What a record becomes; undefined = it stays as it is. */
export type RecordChange = (stream: StreamName, record: LogRecord) => Uint8Array | undefined;

/** What the operator needs of a message log beside sending and reading. None of it holds up appends for long. */
export interface LogUpkeep {
  backlog(stream: StreamName): Promise<Backlog>;
  /**
   * Writes all streams with their marks, as they stand at one moment after the call, into an empty folder. The files
   * are not yet synced to disk when it answers.
   * @throws MeshError storage_full, unavailable
   */
  copyTo(folder: string): Promise<void>;
  /**
   * Goes once over all records of all streams and replaces those that `change` gives new bytes for; they keep their
   * positions and ids. Records appended meanwhile may or may not be seen. Answers when durable, with how many were
   * replaced. @throws MeshError storage_full, unavailable; then a part was replaced, and it can be called again
   */
  rewrite(change: RecordChange): Promise<number>;
  /**
   * Forgets the dedupe keys that `isMeant`. Keys too long to be kept as they are come as a hash.
   * @throws MeshError storage_full, unavailable; then a part is forgotten, and it can be called again
   */
  forgetKeys(isMeant: (stream: StreamName, key: string) => boolean): Promise<void>;
}
