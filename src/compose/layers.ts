import { createChannelApi } from "../api/channels.ts";
import type { HubApi } from "../api/hub-api.ts";
import { createOperatorApi, type OperatorParts } from "../api/operator.ts";
import { createOverviewApi } from "../api/overview.ts";
import { ProfileChecks } from "../api/profile-checks.ts";
import { createPushApi } from "../api/pushes.ts";
import { createReachApi } from "../api/reach.ts";
import { createRegistryApi } from "../api/registry.ts";
import { createRelayApi } from "../api/relay.ts";
import { createTaskApi } from "../api/tasks.ts";
import { type Core, createCore } from "../core/core.ts";
import { inboxStream } from "../core/streams.ts";
import type { Counts } from "../model/counts.ts";
import { cursorFromPosition } from "../model/position.ts";
import type { MessageLog } from "../ports/message-log.ts";
import type { MessageTracer } from "../ports/message-tracer.ts";
import type { Stores } from "../ports/stores.ts";
import { createOverview } from "../registry/overview.ts";
import { createRegistry, type Registry } from "../registry/registry.ts";
import type { HubOptions } from "./hub-options.ts";
import type { Outbound } from "./outbound.ts";

/** Who is on the hub. */
export function buildRegistry(
  { config, clock, logger }: HubOptions,
  stores: Stores,
  hub: { readonly adminToken: string; readonly publicUrl: () => string; readonly counts: Counts },
): Registry {
  const { hubId, jwtSecret, limits } = config;
  const counts = hub.counts.attempts;
  return createRegistry({ stores, clock, logger, hubId, jwtSecret, limits, ...hub, counts });
}

interface Parts {
  readonly log: MessageLog;
  readonly stores: Stores;
  readonly registry: Registry;
  readonly counts: Counts;
}

/** Moving messages. */
export function buildCore(
  { config, clock, logger }: HubOptions,
  parts: Parts & { readonly tracer: MessageTracer | undefined },
): Core {
  const { log, stores, counts, tracer } = parts;
  const { directory, presence, credentialWatch } = parts.registry;
  const attached = (agentId: string): (() => void) => presence.attached(agentId);
  return createCore({
    log,
    stores,
    directory,
    credentialWatch,
    attached,
    clock,
    logger,
    hubId: config.hubId,
    bounds: config.limits,
    counts,
    tracer,
  });
}

/** The only way in. */
export function buildApi(
  { config, clock, version }: HubOptions,
  parts: Parts & { readonly core: Core; readonly operations: OperatorParts; readonly outbound: Outbound },
): HubApi {
  const { log, stores, registry, core, operations, outbound } = parts;
  const channels = createChannelApi(core.channels);
  const overview = createOverview({
    hubId: config.hubId,
    version,
    clock,
    stores: {
      agents: stores.agents,
      traffic: { ...stores.traffic, totals: core.traffic.totals, edges: core.traffic.edges },
    },
    agents: registry.agents,
    directory: registry.directory,
    presence: registry.presence,
    limits: config.limits,
    unread: async (agentId) => {
      const mark = await log.acked(inboxStream(agentId), "inbox");
      const { end } = await log.read(inboxStream(agentId), { from: mark, limit: 0 });
      return { unread: end.offset - mark.offset, cursor: cursorFromPosition(mark) };
    },
    channelsOf: async (call) => (await channels.listChannels(call, {})).channels,
    channelCount: () => stores.channels.countOwned(undefined),
  });
  return {
    relay: createRelayApi(core),
    tasks: createTaskApi(core.tasks),
    pushes: createPushApi(outbound.pushes),
    reach: createReachApi(outbound.reaches),
    channels,
    registry: createRegistryApi(registry, new ProfileChecks(outbound.httpFor)),
    overview: createOverviewApi(overview),
    operator: createOperatorApi({ ...operations, registry }),
  };
}
