import type { PlanName } from "../model/agent.ts";
import type { AttemptCounts } from "../model/counts.ts";
import type { AccessStore } from "../ports/access-store.ts";
import type { AgentStore } from "../ports/agent-store.ts";
import type { Clock } from "../ports/clock.ts";
import type { CredentialWatch } from "../ports/credential-watch.ts";
import type { Directory } from "../ports/directory.ts";
import type { InviteStore } from "../ports/invite-store.ts";
import type { KeyStore } from "../ports/key-store.ts";
import type { Logger } from "../ports/logger.ts";
import { type AccessRules, createAccessRules } from "./access-rules.ts";
import { createAdminCheck } from "./admin-check.ts";
import { type Agents, createAgents } from "./agents.ts";
import { createAttempts } from "./attempts.ts";
import { type Authenticate, createAuthenticate } from "./authenticate.ts";
import { OwnCredentialWatch } from "./credential-watch.ts";
import { type Credentials, createCredentials } from "./credentials.ts";
import { createDirectory } from "./directory.ts";
import { createEntrance, type Entrance } from "./entrance.ts";
import { createFindHolder } from "./holder.ts";
import { createInvites, type Invites } from "./invites.ts";
import { createPresence, type Presence } from "./presence.ts";
import { createSearch } from "./search.ts";
import { createTickets, type Tickets } from "./tickets.ts";
import { configuredSecrets, storedSecrets, type TokenSecrets } from "./token-secrets.ts";
import { createTokens, TOKEN_LIFE_MS } from "./tokens.ts";

export interface RegistryDeps {
  readonly stores: {
    readonly agents: AgentStore;
    readonly invites: InviteStore;
    readonly keys: KeyStore;
    readonly access: AccessStore;
  };
  readonly clock: Clock;
  readonly logger: Logger;
  readonly hubId: string;
  /** As clients see the hub, without a slash at the end. */
  readonly publicUrl: () => string;
  /** Undefined = there is no operator. */
  readonly adminToken: string | undefined;
  /** Undefined = the hub makes its own and keeps it in the key store. */
  readonly jwtSecret: string | undefined;
  readonly limits: { readonly plan: PlanName; readonly attemptsPerMinute: number };
  readonly counts: AttemptCounts;
}

/** Who is on the hub. Whether a caller may do what it asks for is checked above, in src/api. */
export interface Registry {
  readonly authenticate: Authenticate;
  readonly directory: Directory;
  readonly presence: Presence;
  readonly agents: Agents;
  readonly invites: Invites;
  readonly entrance: Entrance;
  readonly accessRules: AccessRules;
  readonly tickets: Tickets;
  readonly credentialWatch: CredentialWatch;
  /** See Credentials.rotate; what the old keys opened ends with them. */
  readonly rotateKey: Credentials["rotate"];
  /** See TokenSecrets.rotate; what tokens of the old secrets opened ends with them. */
  readonly rotateTokenSecret: TokenSecrets["rotate"];
}

/** Builds the registry. Owns nothing that would have to be closed. */
export function createRegistry(deps: RegistryDeps): Registry {
  const { stores, clock, logger, hubId, publicUrl, limits, counts } = deps;
  const { keys } = stores;
  const directory = createDirectory(stores, clock);
  const presence = createPresence(clock);
  const attempts = createAttempts({ perMinute: limits.attemptsPerMinute, clock, logger, counts });
  const onKeysEnd: OwnCredentialWatch["keysEnd"] = (...ends) => credentialWatch.keysEnd(...ends);
  const credentials = createCredentials({ keys, directory, clock, onKeysEnd });
  const secrets =
    deps.jwtSecret === undefined
      ? storedSecrets({ keys, clock, tokenLifeMs: TOKEN_LIFE_MS })
      : configuredSecrets(deps.jwtSecret);
  const findHolder = createFindHolder({ credentials, secrets, directory });
  const credentialWatch = new OwnCredentialWatch({
    clock,
    confirm: ({ credential, expiresUnixMs }) => findHolder(credential, expiresUnixMs),
  });
  const tokens = createTokens({ secrets, hubId, clock });
  const search = createSearch({ agents: stores.agents, directory, clock });
  const invites = createInvites({ invites: stores.invites, directory, attempts, clock, logger, publicUrl });
  const isAdmin = createAdminCheck(deps.adminToken);
  directory.onChange((agentId, what) => {
    if (what !== "removed") return;
    presence.forget(agentId);
    credentialWatch.agentEnds(agentId);
  });
  return {
    authenticate: createAuthenticate({ isAdmin, credentials, tokens, findHolder, presence, attempts }),
    credentialWatch,
    directory,
    presence,
    agents: createAgents({ agents: stores.agents, directory, presence, search, clock, logger }),
    invites,
    entrance: createEntrance({
      store: stores.invites,
      invites,
      credentials,
      tokens,
      directory,
      presence,
      attempts,
      clock,
      logger,
      hubId,
      plan: limits.plan,
    }),
    tickets: createTickets({ findHolder, attempts, clock }),
    accessRules: createAccessRules({ access: stores.access, directory, hubId }),
    async rotateKey(agentId, { revokeNow }) {
      const rotated = await credentials.rotate(agentId, { revokeNow });
      logger.info("key.rotated", { agentId, revokeNow });
      return rotated;
    },
    async rotateTokenSecret({ revokeNow }) {
      const rotated = await secrets.rotate({ revokeNow });
      if (revokeNow) credentialWatch.tokensEnd(rotated.kid);
      logger.info("token_secret.rotated", { kid: rotated.kid, revokeNow });
      return rotated;
    },
  };
}
