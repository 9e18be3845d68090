import type { AgentPrincipal } from "../model/principal.ts";

/** Why a credential ended before its holder was done. */
export type CredentialEnd = "revoked" | "expired";

/** What was opened with a credential, and ends with it. */
export interface OpenedWith {
  /** Called once. Must not throw. */
  end(why: CredentialEnd): void;
}

/** A session has one for as long as it lives: it is kept small. */
export interface WatchedCredential {
  readonly hasEnded: boolean;
  /** What is told when the credential ends. To be set in the turn in which `hasEnded` was seen to be false. */
  opened: OpenedWith | undefined;
  /** Ends the watch. Does nothing when it is over. */
  stop(): void;
}

/** Tells what is open when the credential that it was opened with ends. */
export interface CredentialWatch {
  /**
   * Watches until the credential ends: in the turn in which it is revoked (its key, its token's secret or its agent),
   * or when it expires, by the wall clock, within a second also when that jumps. What happened since the caller was let
   * in is not missed.
   * @throws MeshError unauthenticated when it has ended already; unavailable
   */
  watch(principal: AgentPrincipal): Promise<WatchedCredential>;
}
