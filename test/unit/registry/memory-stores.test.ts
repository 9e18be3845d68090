import { describe } from "vitest";
import { accessStoreSuite } from "../../suites/store/access-store.suite.ts";
import { agentStoreSuite } from "../../suites/store/agent-store.suite.ts";
import { channelStoreSuite } from "../../suites/store/channel-store.suite.ts";
import { inviteStoreSuite } from "../../suites/store/invite-store.suite.ts";
import { keyStoreSuite } from "../../suites/store/key-store.suite.ts";
import { outcomeStoreSuite } from "../../suites/store/outcome-store.suite.ts";
import { pushStoreSuite } from "../../suites/store/push-store.suite.ts";
import { reachCredentialStoreSuite, reachStoreSuite } from "../../suites/store/reach-store.suite.ts";
import type { StoreFactory } from "../../suites/store/store-fixture.ts";
import { taskStoreSuite } from "../../suites/store/task-store.suite.ts";
import { trafficStoreSuite } from "../../suites/store/traffic-store.suite.ts";
import { createMemoryStores } from "../../support/memory-stores.ts";

const factory: StoreFactory = {
  async create() {
    const stores = createMemoryStores();
    return {
      open: async () => ({ ...stores, [Symbol.asyncDispose]: async () => undefined }),
      remove: async () => undefined,
    };
  },
};

describe("memory stores", () => {
  agentStoreSuite(factory);
  inviteStoreSuite(factory);
  keyStoreSuite(factory);
  accessStoreSuite(factory);
  channelStoreSuite(factory);
  outcomeStoreSuite(factory);
  taskStoreSuite(factory);
  pushStoreSuite(factory);
  reachStoreSuite(factory);
  reachCredentialStoreSuite(factory);
  trafficStoreSuite(factory);
});
