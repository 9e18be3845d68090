import { randomBytes } from "node:crypto";
import { Few } from "../model/few.ts";
import { REVOKED_UNIX_MS } from "../model/principal.ts";
import type { Clock } from "../ports/clock.ts";
import type { Directory } from "../ports/directory.ts";
import type { KeyRecord, KeyStore } from "../ports/key-store.ts";
import { digestFromCredential } from "./credential-digest.ts";
import { createReadThrough } from "./read-through.ts";

export const API_KEY_PREFIX = "mk_";
const KEY_BYTES = 32;
/** A rotated key is still valid for this long. */
export const KEY_GRACE_MS = 3_600_000;
const MAX_KEYS = 50_000;

/** API keys: `mk_` and 256 random bits. Stored and looked up by their SHA-256. */
export interface Credentials {
  /** The key of this hash while it is valid; at once when it is remembered. @throws MeshError unavailable */
  find(keyHash: string): KeyRecord | undefined | Promise<KeyRecord | undefined>;
  /** Whether the key of this hash is remembered as valid. */
  isRemembered(keyHash: string): boolean;
  /**
   * Gives the agent a new key. All others, and the tokens that were got by them, end after the grace time of one hour,
   * or with `revokeNow` at once, after a crash too.
   * @throws MeshError not_found when no living agent has this id; unavailable, storage_full
   */
  rotate(agentId: string, options: { readonly revokeNow: boolean }): Promise<RotatedKey>;
}

export interface RotatedKey {
  /** Shown once; only its hash is stored. */
  readonly apiKey: string;
  /** Until then the old keys are valid too, unless they end before. */
  readonly oldKeyExpiresUnixMs: number;
}

/** A new key and what is stored of it. */
export function newApiKey(): { readonly apiKey: string; readonly keyHash: string } {
  const apiKey = API_KEY_PREFIX + randomBytes(KEY_BYTES).toString("base64url");
  return { apiKey, keyHash: digestFromCredential(apiKey).hex };
}

export function createCredentials(deps: {
  readonly keys: KeyStore;
  readonly directory: Directory;
  readonly clock: Clock;
  /** Told when the keys of an agent but one were given an end. */
  readonly onKeysEnd: (agentId: string, keptKeyHash: string, atUnixMs: number) => void;
}): Credentials {
  const { keys, directory, clock, onKeysEnd } = deps;
  const hashesOf = new Map<string, Few<string>>();
  const remembered = createReadThrough<KeyRecord>({
    clock,
    maxWeight: MAX_KEYS,
    absentMs: 0,
    load: (keyHash) => keys.find(keyHash),
    onKeep: (_keyHash, key) => noteHash(key),
    onLeave: (_keyHash, key) => dropHash(key),
  });

  function noteHash({ agentId, hash }: KeyRecord): void {
    const hashes = hashesOf.get(agentId) ?? new Few<string>();
    hashes.add(hash);
    hashesOf.set(agentId, hashes);
  }

  function dropHash({ agentId, hash }: KeyRecord): void {
    const hashes = hashesOf.get(agentId);
    hashes?.delete(hash);
    if (hashes?.size === 0) hashesOf.delete(agentId);
  }

  function forgetKeysOf(agentId: string): void {
    const hashes = hashesOf.get(agentId);
    hashesOf.delete(agentId);
    for (const keyHash of hashes ?? []) remembered.forget(keyHash);
    // Whose key is being loaded is not known yet: it may be one of these, read before the change.
    remembered.forgetLoading();
  }

  function validNow(key: KeyRecord | undefined): KeyRecord | undefined {
    const isValid = key !== undefined && (key.expiresUnixMs ?? Number.POSITIVE_INFINITY) > clock.nowUnixMs();
    return isValid ? key : undefined;
  }

  directory.onChange((agentId, what) => {
    if (what === "removed") forgetKeysOf(agentId);
  });

  return {
    find(keyHash) {
      const found = remembered.get(keyHash);
      return found instanceof Promise ? found.then(validNow) : validNow(found);
    },
    isRemembered: (keyHash) => validNow(remembered.peek(keyHash)) !== undefined,
    async rotate(agentId, { revokeNow }) {
      const { apiKey, keyHash } = newApiKey();
      const nowMs = clock.nowUnixMs();
      const graceEndsUnixMs = nowMs + KEY_GRACE_MS;
      const key = { hash: keyHash, agentId, createdUnixMs: nowMs, expiresUnixMs: undefined };
      const endsUnixMs = revokeNow ? REVOKED_UNIX_MS : graceEndsUnixMs;
      await keys.rotate(key, endsUnixMs);
      forgetKeysOf(agentId);
      onKeysEnd(agentId, keyHash, endsUnixMs);
      return { apiKey, oldKeyExpiresUnixMs: revokeNow ? nowMs : graceEndsUnixMs };
    },
  };
}
