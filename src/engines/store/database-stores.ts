import type { Kysely } from "kysely";
import type { Stores } from "../../ports/stores.ts";
import { createAccessStore } from "./queries/access.ts";
import { createAgentStore } from "./queries/agents.ts";
import { createChannelStore } from "./queries/channels.ts";
import { createInviteStore } from "./queries/invites.ts";
import { createKeyStore } from "./queries/keys.ts";
import { createOutcomeStore } from "./queries/outcomes.ts";
import { createPushStore } from "./queries/pushes.ts";
import { createReachCredentialStore } from "./queries/reach-credentials.ts";
import { createReachStore } from "./queries/reaches.ts";
import { createTaskStore } from "./queries/tasks.ts";
import { createTrafficStore } from "./queries/traffic.ts";
import type { Database } from "./schema.ts";

/** All store ports over one database of either dialect. Its errors must be MeshErrors already. */
export function createDatabaseStores(db: Kysely<Database>): Stores {
  return {
    agents: createAgentStore(db),
    invites: createInviteStore(db),
    keys: createKeyStore(db),
    access: createAccessStore(db),
    channels: createChannelStore(db),
    outcomes: createOutcomeStore(db),
    tasks: createTaskStore(db),
    pushes: createPushStore(db),
    reaches: createReachStore(db),
    reachCredentials: createReachCredentialStore(db),
    traffic: createTrafficStore(db),
  };
}
