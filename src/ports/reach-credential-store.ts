/** What an agent that lives elsewhere wants to be shown by whoever calls it. */
export interface ReachCredentialRecord {
  /** The agent of this hub that stands for it. */
  readonly agentId: string;
  /** The only place that it is shown: scheme, host and port. */
  readonly origin: string;
  /** Name of the header that carries it, in lower case. */
  readonly header: string;
  /** The header's value, in a form that the store cannot read. */
  readonly sealed: string;
  readonly setUnixMs: number;
}

/** At most one for each agent. Every write is durable when it answers. */
export interface ReachCredentialStore {
  find(agentId: string): Promise<ReachCredentialRecord | undefined>;
  /** In the place of the one that was there. Nothing when no living agent has this id. */
  put(credential: ReachCredentialRecord): Promise<void>;
  /** False when there was none. */
  remove(agentId: string): Promise<boolean>;
}
