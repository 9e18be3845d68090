import type { Activity } from "../core/activity.ts";
import type { Call } from "../model/principal.ts";
import type { Backup } from "../ports/backups.ts";

export type { Activity, InboxDepth } from "../core/activity.ts";
export type { Backup } from "../ports/backups.ts";

/** For the operator alone. @throws MeshError unauthenticated, permission_denied */
export interface OperatorApi {
  /** `limit` of the lists: clamped to 1…100; absent = 20. */
  activity(call: Call, input: { readonly limit?: number }): Promise<Activity>;
  /**
   * A new secret for tokens; those that are out stay valid until they end, or end at once with their sessions.
   * @throws MeshError invalid_argument when the configuration sets the secret
   */
  rotateTokenSecret(call: Call, input: { readonly revokeNow: boolean }): Promise<{ readonly kid: string }>;
  /** Ends all keys, tokens and sessions of the agent at once. @throws MeshError not_found */
  resetAgentKey(call: Call, agentId: string): Promise<{ readonly apiKey: string }>;
  /** Deletes the agent and everything of it. @throws MeshError not_found */
  eraseAgent(call: Call, agentId: string): Promise<{ readonly messagesErased: number }>;
  /** @throws MeshError invalid_argument (the name), already_exists, storage_full */
  createBackup(call: Call, input: { readonly name: string }): Promise<Backup>;
}
