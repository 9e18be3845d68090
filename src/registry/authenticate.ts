import { ANONYMOUS, type Principal, unauthenticated } from "../model/principal.ts";
import type { Attempts } from "./attempts.ts";
import { type CredentialDigest, digestFromCredential } from "./credential-digest.ts";
import { API_KEY_PREFIX, type Credentials } from "./credentials.ts";
import type { FindHolder } from "./holder.ts";
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
  readonly findHolder: FindHolder;
  readonly presence: Presence;
  readonly attempts: Attempts;
}): Authenticate {
  const { isAdmin, credentials, tokens, findHolder, presence, attempts } = deps;

  async function fromApiKey(keyHash: string, remoteAddress: string): Promise<Principal> {
    if (!credentials.isRemembered(keyHash)) attempts.checkAllowed(remoteAddress);
    const principal = await findHolder({ keyHash, kid: undefined });
    if (principal === undefined) throw attempts.wrong(remoteAddress, unauthenticated());
    presence.seen(principal.agentId);
    return principal;
  }

  async function fromToken(token: string, digestHex: string, remoteAddress: string): Promise<Principal> {
    const claims = tokens.remembered(digestHex) ?? (await checked(token, digestHex, remoteAddress));
    const principal = await findHolder(claims, claims.expiresUnixMs);
    // Signed by this hub, so it is no guess: only its key or its agent is gone.
    if (principal === undefined || principal.agentId !== claims.agentId) throw unauthenticated();
    presence.seen(principal.agentId);
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
