import { randomBytes, type webcrypto } from "node:crypto";
import { MeshError } from "../model/errors.ts";
import { createTurns } from "../model/turns.ts";
import type { Clock } from "../ports/clock.ts";
import type { KeyStore } from "../ports/key-store.ts";
import { digestFromCredential } from "./credential-digest.ts";

const SECRET_BYTES = 32;
const KID_BYTES = 9;
const HMAC_SHA256: webcrypto.HmacImportParams = { name: "HMAC", hash: "SHA-256" };
/** A token of an unknown kid makes the hub look for new secrets, but not more often than this. */
const RELOAD_EVERY_MS = 10_000;

export interface SigningKey {
  readonly kid: string;
  readonly key: webcrypto.CryptoKey;
  readonly createdUnixMs: number;
}

/** The secrets that tokens are signed with. */
export interface TokenSecrets {
  /** The newest. @throws MeshError unavailable, storage_full */
  forSigning(): Promise<SigningKey>;
  /**
   * The one of this kid, unless it was revoked, or replaced longer ago than a token lives.
   * @throws MeshError unavailable
   */
  forVerifying(kid: string): Promise<SigningKey | undefined>;
  /** Whether it was revoked; known from the first answer of one of the others on. */
  isRevoked(kid: string): boolean;
  /**
   * Makes a new secret and keeps it, and gives its kid. Tokens signed with older ones stay valid until they end;
   * with `revokeNow` no such token is valid any more when it answers, after a crash too.
   * @throws MeshError invalid_argument when the configuration sets the secret; unavailable, storage_full
   */
  rotate(options: { readonly revokeNow: boolean }): Promise<{ readonly kid: string }>;
}

/** The one secret that the operator set: stored ones are not used at all, so changing it ends all tokens. */
export function configuredSecrets(secret: string): TokenSecrets {
  // The kid follows from the secret, so that every node and every start names it alike.
  const kid = `c${digestFromCredential(`kid:${secret}`).hex.slice(0, 12)}`;
  const imported = importSecret({ kid, secret: Buffer.from(secret, "utf8"), createdUnixMs: 0 });
  // Handled where it is awaited.
  imported.catch(() => undefined);
  return {
    forSigning: () => imported,
    forVerifying: async (wanted) => (wanted === kid ? imported : undefined),
    isRevoked: () => false,
    async rotate() {
      throw new MeshError("invalid_argument", "the token secret is set by the configuration", {
        hint: "change MESHKORE_JWT_SECRET and start the hub again: that ends all tokens; or take it out, and the hub makes its own",
      });
    },
  };
}

/** Secrets that the hub makes by itself (256 bits) and keeps in its store. */
export function storedSecrets(deps: {
  readonly keys: KeyStore;
  readonly clock: Clock;
  /** A replaced secret verifies for this long. */
  readonly tokenLifeMs: number;
}): TokenSecrets {
  const { keys, clock, tokenLifeMs } = deps;
  const turns = createTurns();
  /** Kids. Only grows: what was read before a revocation brings none back. */
  const revoked = new Set<string>();
  let loading: Promise<readonly SigningKey[]> | undefined;
  let loadedMs = Number.NEGATIVE_INFINITY;

  async function load(): Promise<readonly SigningKey[]> {
    loadedMs = clock.steadyMs();
    let records = await keys.secrets();
    if (!records.some(({ secret }) => secret !== undefined)) {
      await keys.addSecret(newSecret(clock.nowUnixMs()));
      // Read again: another node may have made one at the same moment, and all must agree on the newest.
      records = await keys.secrets();
    }
    const usable: NewSecret[] = [];
    for (const { kid, secret, createdUnixMs } of records) {
      if (secret === undefined) revoked.add(kid);
      else usable.push({ kid, secret, createdUnixMs });
    }
    return Promise.all(usable.map(importSecret));
  }

  function loaded(): Promise<readonly SigningKey[]> {
    if (loading !== undefined) return loading;
    const mine = load();
    loading = mine;
    mine.catch(() => {
      if (loading === mine) loading = undefined;
    });
    return mine;
  }

  async function find(kid: string): Promise<SigningKey | undefined> {
    const secrets = await loaded();
    const index = secrets.findIndex((secret) => secret.kid === kid);
    const replacedBy = secrets[index - 1];
    const isOver = replacedBy !== undefined && clock.nowUnixMs() - replacedBy.createdUnixMs > tokenLifeMs;
    return isOver || revoked.has(kid) ? undefined : secrets[index];
  }

  async function rotate(revokeNow: boolean): Promise<{ readonly kid: string }> {
    const older = await loaded();
    const nowMs = clock.nowUnixMs();
    // Newer than the newest also after the clock was set back.
    const secret = newSecret(Math.max(nowMs, (older[0]?.createdUnixMs ?? 0) + 1));
    await keys.addSecret(secret, { revoke: revokeNow, forgetReplacedUnixMs: nowMs - tokenLifeMs });
    if (revokeNow) for (const { kid } of older) revoked.add(kid);
    loading = undefined;
    return { kid: secret.kid };
  }

  return {
    async forSigning() {
      const newest = (await loaded()).find(({ kid }) => !revoked.has(kid));
      if (newest === undefined) throw new Error("the store keeps no token secret although one was added");
      return newest;
    },
    async forVerifying(kid) {
      const found = await find(kid);
      const isKnown = found !== undefined || revoked.has(kid);
      if (isKnown || clock.steadyMs() - loadedMs < RELOAD_EVERY_MS) return found;
      loading = undefined;
      return find(kid);
    },
    isRevoked: (kid) => revoked.has(kid),
    // One after the other: each must know of the secrets that it ends.
    rotate: ({ revokeNow }) => turns.take("secrets", () => rotate(revokeNow)),
  };
}

interface NewSecret {
  readonly kid: string;
  readonly secret: Uint8Array;
  readonly createdUnixMs: number;
}

function newSecret(createdUnixMs: number): NewSecret {
  return {
    kid: randomBytes(KID_BYTES).toString("base64url"),
    secret: randomBytes(SECRET_BYTES),
    createdUnixMs,
  };
}

async function importSecret({ kid, secret, createdUnixMs }: NewSecret): Promise<SigningKey> {
  const key = await crypto.subtle.importKey("raw", secret, HMAC_SHA256, false, ["sign", "verify"]);
  return { kid, key, createdUnixMs };
}
