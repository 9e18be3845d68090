export interface KeyRecord {
  /** SHA-256 of the API key, hex. The key itself is never stored. */
  readonly hash: string;
  readonly agentId: string;
  readonly createdUnixMs: number;
  /** End of a rotated key's grace time; undefined = the current key. */
  readonly expiresUnixMs: number | undefined;
}

/** Signing secrets of tokens. */
export interface SecretRecord {
  readonly kid: string;
  /** Undefined = revoked: the secret itself is gone, its name tells old tokens from made-up ones. */
  readonly secret: Uint8Array | undefined;
  readonly createdUnixMs: number;
}

/** API keys (hashed) and token secrets. Every write is durable when it answers. */
export interface KeyStore {
  find(hash: string): Promise<KeyRecord | undefined>;
  /**
   * Adds a key and lets all older ones of the agent end at `oldExpireUnixMs`, unless they end before that, in one
   * transaction; REVOKED_UNIX_MS ends them at once and for good. Keys that ended already may be forgotten.
   * @throws MeshError not_found when no living agent has this id
   */
  rotate(key: KeyRecord, oldExpireUnixMs: number): Promise<void>;
  /** Newest first. */
  secrets(): Promise<readonly SecretRecord[]>;
  /** Adds a secret; what is to happen to the older ones happens in the same transaction. */
  addSecret(secret: SecretRecord & { readonly secret: Uint8Array }, older?: OlderSecrets): Promise<void>;
}

export interface OlderSecrets {
  /** They sign and verify no more. */
  readonly revoke: boolean;
  /** Those that had a newer one beside them by then are forgotten. */
  readonly forgetReplacedUnixMs: number;
}
