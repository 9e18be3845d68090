import { defineAdapter } from "../../src/adapter-kit.ts";
import { restConfig } from "./config.ts";
import { routeFromOperation } from "./inbound.ts";
import { agentOperations } from "./routes-agents.ts";
import { channelOperations } from "./routes-channels.ts";
import { docsOperations } from "./routes-docs.ts";
import { joinOperations } from "./routes-join.ts";
import { messageOperations } from "./routes-messages.ts";
import { overviewOperations } from "./routes-overview.ts";
import { reachOperations } from "./routes-reach.ts";
import { sendOperations } from "./routes-send.ts";
import { streamOperations } from "./routes-stream.ts";
import { taskOperations } from "./routes-tasks.ts";
import { ticketOperations } from "./routes-tickets.ts";
import { unbuiltOperations } from "./routes-unbuilt.ts";

/** JSON over HTTP for anything that can call curl. */
export const restAdapter = defineAdapter({
  name: "rest",
  config: restConfig,
  mount({ api, logger, publicUrl, hubId, version }) {
    const described = [
      ...joinOperations(api.registry, publicUrl),
      ...ticketOperations(api.registry),
      ...agentOperations(api.registry, hubId),
      ...reachOperations(api.reach),
      ...sendOperations(api.relay),
      ...messageOperations(api.relay),
      ...streamOperations({ relay: api.relay, logger }),
      ...channelOperations(api.channels),
      ...taskOperations({ tasks: api.tasks, logger }),
      ...overviewOperations(api.overview),
      ...unbuiltOperations(),
    ];
    const docs = docsOperations(described, () => ({ version, publicUrl: publicUrl() }));
    const operations = [...described, ...docs];
    return { routes: operations.map((operation) => routeFromOperation(operation, api.registry, logger)) };
  },
});
