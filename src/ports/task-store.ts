/** What is known of a task without reading its events. */
export interface TaskRecord {
  readonly taskId: string;
  readonly contextId: string;
  readonly caller: string;
  readonly worker: string;
  /** Empty = none. */
  readonly dedupeKey: string;
  /** Whether what the worker does comes into the caller's inbox. */
  readonly tellsCaller: boolean;
  /** Number of TaskState. */
  readonly state: number;
  /** When the status changed. */
  readonly changedUnixMs: number;
  readonly createdUnixMs: number;
  /** It has ended, and everybody was told. */
  readonly isSettled: boolean;
}

export interface TaskQuery {
  /** Caller or worker; undefined = of anybody. */
  readonly party?: string | undefined;
  /** On the other side of the party. */
  readonly peer?: string | undefined;
  /** Who does the work. */
  readonly worker?: string | undefined;
  readonly contextId?: string | undefined;
  readonly state?: number | undefined;
  readonly changedAfterUnixMs?: number | undefined;
  /** Only those that have not ended, or not everybody was told that they have. */
  readonly isUnsettled?: true | undefined;
  /** Behind this one, in the order of the list. */
  readonly after?: { readonly changedUnixMs: number; readonly taskId: string } | undefined;
  /** 0 = nothing but their number. */
  readonly limit: number;
}

export interface TaskChange {
  readonly state: number;
  readonly changedUnixMs: number;
  readonly isSettled: boolean;
}

/**
 * An index of tasks: who has to do with which, and how they stand. The log is the truth: what it says is put here after
 * it is durable there, and put right after a crash. Every write is durable when it answers.
 */
export interface TaskStore {
  /**
   * Undefined = it was made. Otherwise the task that the same caller gave the same worker by the same key, after
   * `keysSinceUnixMs`; then nothing was made.
   */
  create(task: TaskRecord, keysSinceUnixMs: number): Promise<TaskRecord | undefined>;
  find(taskId: string): Promise<TaskRecord | undefined>;
  /** How a task stands. Nothing when there is no such task (any more). */
  change(taskId: string, change: TaskChange): Promise<void>;
  /** Latest change first; `total` counts what matches on all pages. */
  list(query: TaskQuery): Promise<{ readonly tasks: readonly TaskRecord[]; readonly total: number }>;
  /** Tasks that are not settled, in order of id, after `afterId`. */
  unsettled(afterId: string, limit: number): Promise<readonly TaskRecord[]>;
  /** Tasks whose status did not change since, the oldest first. */
  unchangedSince(unixMs: number, limit: number): Promise<readonly TaskRecord[]>;
  /** With their push notifications. */
  remove(taskIds: readonly string[]): Promise<void>;
}
