import type { AgentPrincipal, Credential } from "../model/principal.ts";
import type { Directory } from "../ports/directory.ts";
import type { Credentials } from "./credentials.ts";
import type { TokenSecrets } from "./token-secrets.ts";

/**
 * The agent that a credential stands for, while its key, its secret and the agent are. `expiresUnixMs`: when the
 * token ends; what it answers ends with the key when that is sooner. @throws MeshError unavailable
 */
export type FindHolder = (
  credential: Credential,
  expiresUnixMs?: number,
) => Promise<AgentPrincipal | undefined>;

export function createFindHolder(deps: {
  readonly credentials: Credentials;
  readonly secrets: TokenSecrets;
  readonly directory: Directory;
}): FindHolder {
  const { credentials, secrets, directory } = deps;
  return async ({ keyHash, kid }, expiresUnixMs) => {
    const key = await credentials.find(keyHash);
    if (key === undefined || (await directory.lookup(key.agentId)) === undefined) return undefined;
    // Last: from here on nothing waits, so that what this answers is true when it is read.
    if (kid !== undefined && secrets.isRevoked(kid)) return undefined;
    return {
      kind: "agent",
      agentId: key.agentId,
      credential: { keyHash, kid },
      expiresUnixMs: earlier(expiresUnixMs, key.expiresUnixMs),
    };
  };
}

function earlier(one: number | undefined, other: number | undefined): number | undefined {
  if (one === undefined || other === undefined) return one ?? other;
  return Math.min(one, other);
}
