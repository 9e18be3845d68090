import { defineAdapter } from "../../src/adapter-kit.ts";
import { a2aConfig } from "./config.ts";
import { createA2a } from "./faces.ts";
import { a2aDialect } from "./outbound/dialect.ts";
import { createOwnCardCheck, OWN_CARD } from "./own-card.ts";

/** Every agent of the hub as an agent of A2A 1.0 and 0.3, over JSON-RPC, HTTP+JSON and gRPC; and the hub itself. */
export const a2aAdapter = defineAdapter({
  name: "a2a",
  config: a2aConfig,
  mount({ api, logger, config, publicUrl, publicGrpc, keys, hubId, version }) {
    const facts = () => ({ publicUrl: publicUrl(), grpc: publicGrpc(), hubId, version });
    api.reach.addDialect(a2aDialect);
    const { tasks, pushes: push, registry } = api;
    registry.addProfileCheck(OWN_CARD, createOwnCardCheck({ facts, nowUnixMs: Date.now }));
    const { routes, service } = createA2a({ tasks, push, registry, keys, logger, facts, config });
    return { routes, services: [service] };
  },
});
