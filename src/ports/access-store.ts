import type { AccessMode } from "../model/agent.ts";

export interface AccessRule {
  /** Whom the rule is about: a local agent id or agent@hub. */
  readonly subject: string;
  readonly mode: AccessMode;
}

/** Who may reach an agent. Every write is durable when it answers. */
export interface AccessStore {
  /** At most 10,000 of one owner. */
  rules(ownerId: string): Promise<readonly AccessRule[]>;
  /**
   * Replaces the owner's rule about the same subject.
   * @throws MeshError not_found when the owner is no living agent, quota_exceeded after the last possible rule
   */
  put(ownerId: string, rule: AccessRule): Promise<void>;
  /** False when there was none. */
  remove(ownerId: string, subject: string): Promise<boolean>;
}
