import { ANONYMOUS, type Principal, unauthenticated } from "../model/principal.ts";
import type { Directory } from "../ports/directory.ts";
import type { Attempts } from "./attempts.ts";
import { type CredentialDigest, digestFromCredential } from "./credential-digest.ts";
import { API_KEY_PREFIX, type Credentials } from "./credentials.ts";
import type { Presence } from "./presence.ts";
import type { TokenClaims, Tokens } from "./tokens.ts";

/** Longer ones are refused unread: no credential of a hub is. */
const MAX_BEARER_CHARS = 2_048;
const ADMIN: Principal = { kind: "admin" };

/**
 * Who is behind a bearer credential: the operator's token, an API key or a JWT; the anonymous principal without
 * one. Whatever is wrong with it, the answer is the same.
 * @throws MeshError unauthenticated; rate_limited after too many wrong ones (see Attempts); unavailable
 */
export type Authenticate = (bearer: string | undefined, remoteAddress: string) => Promise<Principal>;

export function createAuthenticate(deps: {
  readonly isAdmin: (digest: CredentialDigest) => boolean;
  readonly credentials: Credentials;
  readonly tokens: Tokens;
  readonly directory: Directory;
  readonly presence: Presence;
  readonly attempts: Attempts;
}): Authenticate {
  const { isAdmin, credentials, tokens, directory, presence, attempts } = deps;

  /** The agent while it and the key are; `claims` when it came with a token. */
  async function principalOf(keyHash: string, claims?: TokenClaims): Promise<Principal | undefined> {
    const key = await credentials.find(keyHash);
    if (key === undefined || (claims !== undefined && claims.agentId !== key.agentId)) return undefined;
    const agent = await directory.lookup(key.agentId);
    if (agent === undefined) return undefined;
    presence.seen(key.agentId);
    return {
      kind: "agent",
      agentId: key.agentId,
      expiresUnixMs: earlier(claims?.expiresUnixMs, key.expiresUnixMs),
    };
  }

  async function fromApiKey(keyHash: string, remoteAddress: string): Promise<Principal> {
    if (!credentials.isRemembered(keyHash)) attempts.checkAllowed(remoteAddress);
    const principal = await principalOf(keyHash);
    if (principal === undefined) throw attempts.wrong(remoteAddress, unauthenticated());
    return principal;
  }

  async function fromToken(token: string, digestHex: string, remoteAddress: string): Promise<Principal> {
    const claims = tokens.remembered(digestHex) ?? (await checked(token, digestHex, remoteAddress));
    const principal = await principalOf(claims.keyHash, claims);
    // Signed by this hub, so it is no guess: only its key or its agent is gone.
    if (principal === undefined) throw unauthenticated();
    return principal;
  }

  async function checked(token: string, digestHex: string, remoteAddress: string): Promise<TokenClaims> {
    attempts.checkAllowed(remoteAddress);
    const outcome = await tokens.check(token, digestHex);
    if (outcome === "wrong") throw attempts.wrong(remoteAddress, unauthenticated());
    // An agent that missed the end of its token is not guessing.
    if (outcome === "ended") throw unauthenticated();
    return outcome;
  }

  return async (bearer, remoteAddress) => {
    if (bearer === undefined) return ANONYMOUS;
    if (bearer === "" || bearer.length > MAX_BEARER_CHARS) {
      throw attempts.wrong(remoteAddress, unauthenticated());
    }
    const digest = digestFromCredential(bearer);
    // Before any limit: the operator must get in while somebody is guessing from the same address.
    if (isAdmin(digest)) return ADMIN;
    if (bearer.startsWith(API_KEY_PREFIX)) return fromApiKey(digest.hex, remoteAddress);
    return fromToken(bearer, digest.hex, remoteAddress);
  };
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
