import { decodeProtectedHeader, errors, jwtVerify, SignJWT } from "jose";
import { createLru } from "../model/lru.ts";
import type { Clock } from "../ports/clock.ts";
import type { SigningKey, TokenSecrets } from "./token-secrets.ts";

/** How long a token is valid. */
export const TOKEN_LIFE_MS = 86_400_000;
/** The hub's own are about 350 characters long. */
const MAX_TOKEN_CHARS = 2_048;
const MAX_REMEMBERED = 50_000;
const ALGORITHM = "HS256";

export interface TokenClaims {
  readonly agentId: string;
  /** The API key that the token was got by: a token is worth no more than its key. */
  readonly keyHash: string;
  /** The secret that signed it. */
  readonly kid: string;
  readonly expiresUnixMs: number;
}

/** `ended`: it was right once, or names a secret that was revoked. `wrong`: never one of this hub's. */
export type TokenCheck = TokenClaims | "ended" | "wrong";

/**
 * JWT, HS256 and nothing else: sub = agent id, iss = hub id, iat, exp = iat + 24 h, kid, and `key` = the hash of
 * the API key. Whether the key and the agent still are is for the caller to check.
 */
export interface Tokens {
  /** @throws MeshError unavailable */
  issue(
    agentId: string,
    keyHash: string,
  ): Promise<{ readonly token: string; readonly expiresUnixMs: number }>;
  /** What is remembered of a checked token, by its digest, while it has not ended. */
  remembered(digestHex: string): TokenClaims | undefined;
  /** Checks, and remembers a right one under its digest. @throws MeshError unavailable */
  check(token: string, digestHex: string): Promise<TokenCheck>;
}

export function createTokens(deps: {
  readonly secrets: TokenSecrets;
  readonly hubId: string;
  readonly clock: Clock;
}): Tokens {
  const { secrets, hubId, clock } = deps;
  const known = createLru<TokenClaims>({ maxWeight: MAX_REMEMBERED });

  async function verify(token: string, { kid, key: secret }: SigningKey): Promise<TokenCheck> {
    try {
      const { payload } = await jwtVerify(token, secret, {
        algorithms: [ALGORITHM],
        issuer: hubId,
        requiredClaims: ["sub", "iat", "exp"],
        currentDate: new Date(clock.nowUnixMs()),
      });
      const { sub, exp, key } = payload;
      if (sub === undefined || exp === undefined || typeof key !== "string") return "wrong";
      return { agentId: sub, keyHash: key, kid, expiresUnixMs: exp * 1_000 };
    } catch (thrown) {
      if (thrown instanceof errors.JWTExpired) return "ended";
      if (thrown instanceof errors.JOSEError) return "wrong";
      throw thrown;
    }
  }

  return {
    async issue(agentId, keyHash) {
      const { kid, key } = await secrets.forSigning();
      const issuedS = Math.floor(clock.nowUnixMs() / 1_000);
      const expiresS = issuedS + TOKEN_LIFE_MS / 1_000;
      const token = await new SignJWT({ key: keyHash })
        .setProtectedHeader({ alg: ALGORITHM, typ: "JWT", kid })
        .setSubject(agentId)
        .setIssuer(hubId)
        .setIssuedAt(issuedS)
        .setExpirationTime(expiresS)
        .sign(key);
      return { token, expiresUnixMs: expiresS * 1_000 };
    },
    remembered(digestHex) {
      const claims = known.get(digestHex);
      if (claims === undefined) return undefined;
      if (claims.expiresUnixMs > clock.nowUnixMs() && !secrets.isRevoked(claims.kid)) return claims;
      known.delete(digestHex);
      return undefined;
    },
    async check(token, digestHex) {
      const kid = kidFromToken(token);
      if (kid === undefined) return "wrong";
      const signingKey = await secrets.forVerifying(kid);
      // Without the secret nobody can tell who signed it: it is worth nothing, and no guess.
      if (signingKey === undefined) return secrets.isRevoked(kid) ? "ended" : "wrong";
      const outcome = await verify(token, signingKey);
      if (typeof outcome === "object") known.set(digestHex, outcome);
      return outcome;
    },
  };
}

/** Unproved: only picks the secret to check with. */
function kidFromToken(token: string): string | undefined {
  if (token.length > MAX_TOKEN_CHARS) return undefined;
  try {
    return decodeProtectedHeader(token).kid;
  } catch (thrown) {
    // jose throws TypeError for text that is no token at all.
    if (thrown instanceof TypeError || thrown instanceof errors.JOSEError) return undefined;
    throw thrown;
  }
}
