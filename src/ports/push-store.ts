/** Where a task's events are to be sent by HTTP, and how far that has come. */
export interface PushRecord {
  readonly taskId: string;
  /** Unique within the task. */
  readonly configId: string;
  /** The agent that asked for it; ~guest for a caller without a name. */
  readonly ownerId: string;
  /** Whose words the calls are made of: the name of an adapter. */
  readonly dialect: string;
  readonly url: string;
  /** Sent with every call, so that the receiver knows its own; empty = none. */
  readonly token: string;
  /** Of the Authorization header; both empty = none. */
  readonly scheme: string;
  readonly credentials: string;
  readonly createdUnixMs: number;
  /** Sequence of the last event that needs no call any more. */
  readonly sent: number;
  /** Why and when delivery was given up; undefined = it goes on. */
  readonly stopped: { readonly reason: string; readonly atUnixMs: number } | undefined;
}

/** How far a delivery has come. */
export type PushProgress = Pick<PushRecord, "sent" | "stopped">;

/** Push notifications of tasks. Every write is durable when it answers. */
export interface PushStore {
  /** Puts it in the place of the one of this id. @throws MeshError failed_precondition beyond `most` of one task */
  put(push: PushRecord, most: number): Promise<void>;
  find(taskId: string, configId: string): Promise<PushRecord | undefined>;
  /** In order of id, after `afterId`. */
  list(taskId: string, afterId: string, limit: number): Promise<readonly PushRecord[]>;
  /** `sent` only moves forward. Nothing when there is no such one (any more). */
  progress(taskId: string, configId: string, progress: PushProgress): Promise<void>;
  /** False when there was none. */
  remove(taskId: string, configId: string): Promise<boolean>;
  /** Tasks that have some which go on, in order of id, after `afterId`. */
  openTasks(afterId: string, limit: number): Promise<readonly string[]>;
}
