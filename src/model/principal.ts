import { MeshError } from "./errors.ts";

/** What an agent proved itself by. It ends with the key, with the secret, and with the agent. */
export interface Credential {
  /** SHA-256 of the API key, hex; of a token: of the key that it was got by. */
  readonly keyHash: string;
  /** The secret that the token was signed with; undefined = it was the API key itself. */
  readonly kid: string | undefined;
}

/** The end of a key that was revoked: no clock that is set back makes it valid again. */
export const REVOKED_UNIX_MS = 0;

/** Who calls, proved at the edge. */
export type Principal =
  | {
      readonly kind: "agent";
      readonly agentId: string;
      readonly credential: Credential;
      /** When the credential ends, in ms since the Unix epoch; undefined = an API key without an end. */
      readonly expiresUnixMs: number | undefined;
    }
  | { readonly kind: "admin" }
  | { readonly kind: "anonymous" };

export type AgentPrincipal = Extract<Principal, { kind: "agent" }>;

export const ANONYMOUS: Principal = { kind: "anonymous" };

/** One call on the HubApi. */
export interface Call {
  readonly principal: Principal;
  /** Aborted when the caller went away or its deadline passed. */
  readonly signal: AbortSignal;
  /** The caller's network address; brute-force limits count by it. */
  readonly remoteAddress: string;
  readonly traceparent?: string;
}

/**
 * The calling agent.
 * @throws MeshError unauthenticated without a token, permission_denied for the operator
 */
export function requireAgent(principal: Principal): AgentPrincipal {
  if (principal.kind === "agent") return principal;
  if (principal.kind === "admin") {
    throw new MeshError("permission_denied", "the operator's token is not an agent", {
      hint: "join as an agent and call with its token or API key",
    });
  }
  throw unauthenticated();
}

/** @throws MeshError unauthenticated without a token, permission_denied for anybody but the operator */
export function requireAdmin(principal: Principal): void {
  if (principal.kind === "admin") return;
  if (principal.kind === "anonymous") throw unauthenticated();
  throw new MeshError("permission_denied", "only the operator may do this", {
    hint: "call with the hub's admin token",
  });
}

/** @throws MeshError unauthenticated without a token */
export function requireKnown(principal: Principal): void {
  if (principal.kind === "anonymous") throw unauthenticated();
}

/** The one answer to a missing, wrong, expired or revoked credential: it does not say which. */
export function unauthenticated(): MeshError {
  return new MeshError("unauthenticated", "no valid token", {
    hint: "send 'Authorization: Bearer <token or API key>'; POST /register trades an API key for a token",
  });
}
