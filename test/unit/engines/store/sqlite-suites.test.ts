import { describe } from "vitest";
import { accessStoreSuite } from "../../../suites/store/access-store.suite.ts";
import { agentStoreSuite } from "../../../suites/store/agent-store.suite.ts";
import { channelStoreSuite } from "../../../suites/store/channel-store.suite.ts";
import { inviteStoreSuite } from "../../../suites/store/invite-store.suite.ts";
import { keyStoreSuite } from "../../../suites/store/key-store.suite.ts";
import { outcomeStoreSuite } from "../../../suites/store/outcome-store.suite.ts";
import { pushStoreSuite } from "../../../suites/store/push-store.suite.ts";
import { reachCredentialStoreSuite, reachStoreSuite } from "../../../suites/store/reach-store.suite.ts";
import { taskStoreSuite } from "../../../suites/store/task-store.suite.ts";
import { trafficStoreSuite } from "../../../suites/store/traffic-store.suite.ts";
import { createSqliteDatabase } from "./sqlite-database.ts";

const sqlite = { create: createSqliteDatabase };

describe("sqlite", () => {
  agentStoreSuite(sqlite);
  inviteStoreSuite(sqlite);
  keyStoreSuite(sqlite);
  accessStoreSuite(sqlite);
  channelStoreSuite(sqlite);
  outcomeStoreSuite(sqlite);
  taskStoreSuite(sqlite);
  pushStoreSuite(sqlite);
  reachStoreSuite(sqlite);
  reachCredentialStoreSuite(sqlite);
  trafficStoreSuite(sqlite);
});
