/** What the hub found out about an agent that is reached by a foreign protocol. */
export interface ReachRecord {
  readonly agentId: string;
  /** Whose words it is reached in: the name of an adapter. */
  readonly dialect: string;
  /** What the agent gave, as JSON text. */
  readonly address: string;
  /** The dialect's own: what it knows of the other side, as JSON text. */
  readonly facts: string;
  readonly checkedUnixMs: number;
}

/** A task that a foreign agent works on, and what it is called there. */
export interface RemoteTaskRecord {
  readonly taskId: string;
  /** The agent of this hub that stands for the foreign one. */
  readonly agentId: string;
  readonly contextId: string;
  readonly remoteTaskId: string;
  readonly remoteContextId: string;
  /** It has not ended there, as far as the hub knows. */
  readonly isOpen: boolean;
  readonly changedUnixMs: number;
}

/** Agents that are reached by foreign protocols, and what they work on. Every write is durable when it answers. */
export interface ReachStore {
  find(agentId: string): Promise<ReachRecord | undefined>;
  /** In the place of what was known. Nothing when no living agent has this id. */
  put(reach: ReachRecord): Promise<void>;
  remove(agentId: string): Promise<void>;
  task(taskId: string): Promise<RemoteTaskRecord | undefined>;
  putTask(task: RemoteTaskRecord): Promise<void>;
  /** Those that are open, in order of id, after `afterId`. */
  openTasks(agentId: string, afterId: string, limit: number): Promise<readonly RemoteTaskRecord[]>;
  /** What the context is called there: as of the latest task of it. */
  remoteContext(agentId: string, contextId: string): Promise<string | undefined>;
}
