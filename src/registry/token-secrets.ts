import { randomBytes, type webcrypto } from "node:crypto";
import type { Clock } from "../ports/clock.ts";
import type { KeyStore, SecretRecord } from "../ports/key-store.ts";
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
  /** The one of this kid, unless it was replaced longer ago than a token lives. @throws MeshError unavailable */
  forVerifying(kid: string): Promise<SigningKey | undefined>;
  /** Makes a new secret and keeps it; tokens signed with older ones stay valid until they end. */
  rotate(): Promise<void>;
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
    rotate: () => Promise.reject(new Error("the token secret is set by the configuration: change it there")),
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
  let loading: Promise<readonly SigningKey[]> | undefined;
  let loadedMs = Number.NEGATIVE_INFINITY;

  async function load(): Promise<readonly SigningKey[]> {
    loadedMs = clock.steadyMs();
    let records = await keys.secrets();
    if (records.length === 0) {
      await keys.addSecret(newSecret(clock.nowUnixMs()));
      // Read again: another node may have made one at the same moment, and all must agree on the newest.
      records = await keys.secrets();
    }
    return Promise.all(records.map(importSecret));
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
    return isOver ? undefined : secrets[index];
  }

  return {
    async forSigning() {
      const [newest] = await loaded();
      if (newest === undefined) throw new Error("the store keeps no token secret although one was added");
      return newest;
    },
    async forVerifying(kid) {
      const found = await find(kid);
      if (found !== undefined || clock.steadyMs() - loadedMs < RELOAD_EVERY_MS) return found;
      loading = undefined;
      return find(kid);
    },
    async rotate() {
      await keys.addSecret(newSecret(clock.nowUnixMs()));
      loading = undefined;
    },
  };
}

function newSecret(createdUnixMs: number): SecretRecord {
  return {
    kid: randomBytes(KID_BYTES).toString("base64url"),
    secret: randomBytes(SECRET_BYTES),
    createdUnixMs,
  };
}

async function importSecret({ kid, secret, createdUnixMs }: SecretRecord): Promise<SigningKey> {
  const key = await crypto.subtle.importKey("raw", secret, HMAC_SHA256, false, ["sign", "verify"]);
  return { kid, key, createdUnixMs };
}
