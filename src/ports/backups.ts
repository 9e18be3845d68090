export interface BackupFile {
  /** Path within the backup, with slashes. */
  readonly name: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** A copy of all that the hub keeps. */
export interface Backup {
  /** A folder on the hub's machine. */
  readonly path: string;
  readonly files: readonly BackupFile[];
  readonly createdUnixMs: number;
}

/** Makes backups while the hub runs. */
export interface Backups {
  /**
   * What was accepted before the call is in it, and so is every agent that has anything in the log. It is there whole
   * and durable when this answers; when it fails, or the process ends before, nothing is there that looks whole.
   * @param name of the folder; "" = made of the time
   * @throws MeshError invalid_argument (the name), already_exists, storage_full, unavailable
   */
  create(name: string): Promise<Backup>;
}
