import { isId, isReservedId, MAX_ID_LENGTH } from "../model/address.ts";
import type { AgentRecord, PlanName, ProfilePatch } from "../model/agent.ts";
import { MeshError } from "../model/errors.ts";
import { unauthenticated } from "../model/principal.ts";
import type { Clock } from "../ports/clock.ts";
import type { InviteStore } from "../ports/invite-store.ts";
import type { Logger } from "../ports/logger.ts";
import type { Attempts } from "./attempts.ts";
import { digestFromCredential } from "./credential-digest.ts";
import { type Credentials, newApiKey } from "./credentials.ts";
import type { OwnDirectory } from "./directory.ts";
import { type Invites, spentNonce, unknownNonce } from "./invites.ts";
import type { Presence } from "./presence.ts";
import { profileFromJoin } from "./profile.ts";
import type { Tokens } from "./tokens.ts";

export interface JoinInput {
  readonly nonce: string;
  readonly agentId: string;
  readonly publicKey?: string;
  readonly profile?: ProfilePatch;
}

export interface Membership {
  readonly agentId: string;
  /** Shown once; only its hash is stored. */
  readonly apiKey: string;
  readonly token: string;
  readonly tokenExpiresUnixMs: number;
  readonly hubId: string;
}

/** How one becomes an agent of the hub, and comes back as one. */
export interface Entrance {
  /**
   * Spends one use of the invite and creates the agent with its first key: all of it or nothing.
   * @throws MeshError not_found, gone (the nonce), invalid_argument, permission_denied (the profile),
   * already_exists (the id, also that of a deleted agent), rate_limited after too many wrong nonces
   */
  join(input: JoinInput, remoteAddress: string): Promise<Membership>;
  /** Trades the API key for a token. @throws MeshError unauthenticated; rate_limited after too many wrong keys */
  register(
    input: { readonly agentId: string; readonly apiKey: string },
    remoteAddress: string,
  ): Promise<{ readonly token: string; readonly expiresUnixMs: number }>;
}

export interface EntranceDeps {
  readonly store: InviteStore;
  readonly invites: Invites;
  readonly credentials: Credentials;
  readonly tokens: Tokens;
  readonly directory: OwnDirectory;
  readonly presence: Presence;
  readonly attempts: Attempts;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hubId: string;
  /** Of agents that join. */
  readonly plan: PlanName;
}

const MAX_PUBLIC_KEY_BYTES = 1_024;
const MAX_API_KEY_CHARS = 256;

export function createEntrance(deps: EntranceDeps): Entrance {
  const { store, invites, credentials, tokens, directory, presence, attempts, clock, logger, hubId } = deps;

  async function enter(nonce: string, agent: AgentRecord, keyHash: string, address: string): Promise<void> {
    const outcome = await store.join(nonce, agent, keyHash, agent.createdUnixMs);
    switch (outcome) {
      case "joined":
        directory.changed(agent.agentId, "joined");
        presence.seen(agent.agentId);
        logger.info("agent.joined", { agentId: agent.agentId, plan: agent.plan });
        return;
      case "unknown_nonce":
        throw attempts.wrong(address, unknownNonce());
      case "spent_nonce":
        throw spentNonce();
      case "taken_id":
        throw new MeshError("already_exists", `the id ${JSON.stringify(agent.agentId)} is taken`, {
          hint: "join with another agent_id; ids of deleted agents are not given again",
        });
    }
  }

  return {
    async join({ nonce, agentId, publicKey, profile }, remoteAddress) {
      const invite = await invites.describe(nonce, remoteAddress);
      checkNewId(agentId);
      checkPublicKey(publicKey);
      const agent: AgentRecord = {
        agentId,
        profile: profileFromJoin(profile, invite.capabilities),
        publicKey: publicKey === "" ? undefined : publicKey,
        plan: deps.plan,
        createdUnixMs: clock.nowUnixMs(),
        deletedUnixMs: undefined,
      };
      const { apiKey, keyHash } = newApiKey();
      await enter(nonce, agent, keyHash, remoteAddress);
      const { token, expiresUnixMs } = await tokens.issue(agentId, keyHash);
      return { agentId, apiKey, token, tokenExpiresUnixMs: expiresUnixMs, hubId };
    },
    async register({ agentId, apiKey }, remoteAddress) {
      const isPlausible = apiKey !== "" && apiKey.length <= MAX_API_KEY_CHARS;
      const keyHash = isPlausible ? digestFromCredential(apiKey).hex : "";
      if (!credentials.isRemembered(keyHash)) attempts.checkAllowed(remoteAddress);
      const key = isPlausible ? await credentials.find(keyHash) : undefined;
      if (key === undefined || key.agentId !== agentId) {
        throw attempts.wrong(remoteAddress, unauthenticated());
      }
      if ((await directory.lookup(agentId)) === undefined) throw unauthenticated();
      presence.seen(agentId);
      return tokens.issue(agentId, keyHash);
    },
  };
}

function checkNewId(agentId: string): void {
  if (!isId(agentId)) {
    throw new MeshError("invalid_argument", `not an agent id: ${JSON.stringify(agentId.slice(0, 80))}`, {
      hint: `use lower-case letters, digits and inner hyphens, at most ${MAX_ID_LENGTH} characters`,
    });
  }
  if (isReservedId(agentId)) {
    throw new MeshError("invalid_argument", `the id ${JSON.stringify(agentId)} is kept for the hub itself`, {
      hint: "join with another agent_id",
    });
  }
}

function checkPublicKey(publicKey: string | undefined): void {
  if (publicKey === undefined || Buffer.byteLength(publicKey) <= MAX_PUBLIC_KEY_BYTES) return;
  throw new MeshError("invalid_argument", "public_key is out of bounds", {
    hint: `use at most ${MAX_PUBLIC_KEY_BYTES} bytes`,
  });
}
