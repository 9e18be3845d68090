/** What the store does to erase an agent, and remembers of it. Every write is durable when it answers. */
export interface ErasureStore {
  /** Notes that the agent is being erased. False when nobody ever had this id; a deleted agent can be erased too. */
  begin(agentId: string, atUnixMs: number): Promise<boolean>;
  /**
   * Removes what is left of a deleted agent: public key, invites, rules of others about it, traffic, outcomes, and
   * the descriptions of its channels. Its id stays taken. May be called again.
   */
  wipe(agentId: string): Promise<void>;
  /** Agents whose erasure has begun and not ended. */
  unfinished(): Promise<readonly string[]>;
  end(agentId: string, atUnixMs: number): Promise<void>;
  /** Overwrites what deletions left behind in files that are in use, as far as the engine can. */
  scrub(): Promise<void>;
}
