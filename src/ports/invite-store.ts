import type { AgentRecord } from "../model/agent.ts";

export interface InviteRecord {
  readonly nonce: string;
  readonly createdBy: string;
  readonly createdUnixMs: number;
  readonly expiresUnixMs: number;
  readonly maxUses: number;
  readonly uses: number;
  readonly revoked: boolean;
  readonly capabilities: readonly string[];
}

/** What came of an attempt to join. */
export type JoinOutcome = "joined" | "unknown_nonce" | "spent_nonce" | "taken_id";

/** Invites, and the one step that spends one. Every write is durable when it answers. */
export interface InviteStore {
  create(invite: InviteRecord): Promise<void>;
  find(nonce: string): Promise<InviteRecord | undefined>;
  /** Newest first; all when `createdBy` is undefined. At most 1,000. */
  list(createdBy: string | undefined): Promise<readonly InviteRecord[]>;
  revoke(nonce: string): Promise<void>;
  /** Takes one use, creates the agent and its first key: all of it or nothing. */
  join(nonce: string, agent: AgentRecord, keyHash: string, nowUnixMs: number): Promise<JoinOutcome>;
}
