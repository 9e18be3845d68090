import type { AccessMode, AgentStatus, AgentView, PlanName, ProfilePatch } from "../model/agent.ts";
import type { Call, Principal } from "../model/principal.ts";
import type { ProfileCheck } from "./profile-checks.ts";

export type { ProfileCheck, ProfileCheckDeps, ProfileClaim } from "./profile-checks.ts";

export interface InviteView {
  readonly nonce: string;
  readonly url: string;
  readonly expiresUnixMs: number;
  readonly maxUses: number;
  readonly uses: number;
  readonly capabilities: readonly string[];
  readonly createdBy: string;
}

export interface Joined {
  readonly agentId: string;
  /** Shown once; only its hash is stored. */
  readonly apiKey: string;
  readonly token: string;
  readonly tokenExpiresUnixMs: number;
  readonly hubId: string;
}

export interface ListAgentsInput {
  readonly capability?: string;
  /** Free text; forgives typos; best match first. */
  readonly query?: string;
  readonly status?: AgentStatus;
  /** Clamped to 1…500; absent = 100. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface RegistryApi {
  /**
   * Who is behind a bearer credential (JWT or API key), or the anonymous principal when `bearer` is undefined.
   * @throws MeshError unauthenticated; rate_limited after too many wrong ones from one address
   */
  authenticate(bearer: string | undefined, remoteAddress: string): Promise<Principal>;

  /**
   * For adapters, when they are mounted: what a further field of a profile (`extra`) has to be. Called before an agent
   * joins with it, and before it changes.
   */
  addProfileCheck(field: string, check: ProfileCheck): void;

  createInvite(
    call: Call,
    input: { maxUses?: number; expiresInS?: number; capabilities?: readonly string[] },
  ): Promise<InviteView>;
  /** The operator sees all, an agent its own. */
  listInvites(call: Call): Promise<readonly InviteView[]>;
  revokeInvite(call: Call, nonce: string): Promise<void>;
  /** For whoever holds the nonce. @throws MeshError not_found, gone */
  describeInvite(call: Call, nonce: string): Promise<InviteView>;
  /** @throws MeshError not_found, gone, already_exists, rate_limited */
  join(
    call: Call,
    input: { nonce: string; agentId: string; publicKey?: string; profile?: ProfilePatch },
  ): Promise<Joined>;
  /** Trades the API key for a token. @throws MeshError unauthenticated, rate_limited */
  register(
    call: Call,
    input: { agentId: string; apiKey: string },
  ): Promise<{ token: string; expiresUnixMs: number }>;
  /**
   * A new key for the caller. The old one, its tokens and what they opened end after an hour's grace; with `revokeNow`
   * before it answers.
   */
  /**
   * A ticket that stands for the caller's credential in a URL, where no header can be set: good once, for a minute, and
   * for nothing but opening a stream. @throws MeshError rate_limited when the agent has too many unused ones
   */
  issueTicket(call: Call): Promise<{ ticket: string; expiresUnixMs: number }>;
  /**
   * Who is behind a ticket, which is spent by this.
   * @throws MeshError unauthenticated; rate_limited after too many wrong ones from one address
   */
  redeemTicket(ticket: string, remoteAddress: string): Promise<Principal>;
  rotateKey(
    call: Call,
    input?: { readonly revokeNow?: boolean },
  ): Promise<{ apiKey: string; oldKeyExpiresUnixMs: number }>;

  listAgents(
    call: Call,
    input: ListAgentsInput,
  ): Promise<{ agents: readonly AgentView[]; cursor: string | undefined }>;
  getAgent(call: Call, agentId: string): Promise<AgentView>;
  updateProfile(call: Call, patch: ProfilePatch): Promise<AgentView>;
  /** The operator only. */
  setPlan(call: Call, agentId: string, plan: PlanName): Promise<AgentView>;
  /** The agent itself or the operator. Its id is never given again. */
  deleteAgent(call: Call, agentId: string): Promise<void>;

  addAccessRule(call: Call, rule: { subject: string; mode: AccessMode }): Promise<void>;
  listAccessRules(call: Call): Promise<readonly { subject: string; mode: AccessMode }[]>;
  removeAccessRule(call: Call, subject: string): Promise<void>;
}
