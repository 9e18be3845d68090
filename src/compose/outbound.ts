import { randomUUID } from "node:crypto";
import type { Core } from "../core/core.ts";
import { OUTBOUND_HTTP_ENGINES } from "../engines/outbound-http/index.ts";
import type { Cleanup } from "../model/cleanup.ts";
import type { Counts } from "../model/counts.ts";
import { ipSetFromTexts } from "../model/ip-address.ts";
import { createMessageIds } from "../model/message-id.ts";
import { countedHttp } from "../outbound/counted-http.ts";
import { FairGate } from "../outbound/fair-gate.ts";
import { type PlaceBounds, Places } from "../outbound/places.ts";
import { Pushes } from "../outbound/push/pushes.ts";
import { ReachCredentials } from "../outbound/reach/reach-credentials.ts";
import { createReachHttp } from "../outbound/reach/reach-http.ts";
import { Reaches } from "../outbound/reach/reaches.ts";
import { redriveTask } from "../outbound/reach/redrive-task.ts";
import { Targets } from "../outbound/targets.ts";
import type { HubKeys } from "../ports/hub-keys.ts";
import type { MessageLog } from "../ports/message-log.ts";
import type { OutboundHttp } from "../ports/outbound-http.ts";
import type { Stores } from "../ports/stores.ts";
import type { Registry } from "../registry/registry.ts";
import type { HubOptions } from "./hub-options.ts";

const FIRST_WAIT_MS = 1000;
const MOST_WAIT_MS = 60_000;
const CIRCUIT = { failures: 5, firstRestMs: 2000, mostRestMs: 60_000 } as const;
/** One caller gets at most this part of the places. */
const CALLER_SHARE = 1 / 16;
const CALLS_PER_TARGET = 8;
/** Fewer than the connections that streams to one host have: turns and notifications go over those too. */
const STREAMS_PER_TARGET = 48;

/** All that calls out. */
export interface Outbound {
  readonly pushes: Pushes;
  readonly reaches: Reaches;
  /** Calls in the name of an agent, by turns with all others. */
  readonly httpFor: (agentId: string) => OutboundHttp;
  /** Calls under way, and servers that are left alone because they failed. */
  calls(): { readonly running: number; readonly resting: number };
  /** Goes on with what an earlier run left over; what that costs is not waited for. */
  start(): void;
  stop(): Promise<void>;
}

export interface OutboundParts {
  readonly log: MessageLog;
  readonly stores: Stores;
  readonly registry: Registry;
  readonly core: Core;
  readonly counts: Counts;
  readonly keys: HubKeys;
  readonly cleanup: Cleanup;
}

export async function buildOutbound(
  { config, clock, logger }: HubOptions,
  { log, stores, registry, core, counts, keys, cleanup }: OutboundParts,
): Promise<Outbound> {
  const openHttp = await OUTBOUND_HTTP_ENGINES.node();
  const isAllowed = ipSetFromTexts(config.outbound.allow).has;
  const opened = cleanup.use(openHttp({ isAllowed }));
  const http = countedHttp(opened, counts.outbound);
  // Both call out through it, so that what is bounded is the hub.
  const gate = new FairGate(boundsOf(config.outbound.atOnce, CALLS_PER_TARGET));
  const newMessageId = createMessageIds(() => clock.nowUnixMs());
  const retry = { firstMs: FIRST_WAIT_MS, mostMs: MOST_WAIT_MS, giveUpMs: config.outbound.giveUpMs };
  const pushTargets = new Targets({ clock, gate, ...CIRCUIT });
  const reachTargets = new Targets({ clock, gate, ...CIRCUIT });
  const streams = new Places(boundsOf(config.outbound.streams, STREAMS_PER_TARGET));
  const reaching = { http, targets: reachTargets, streams };
  const pushes = new Pushes({
    ...{ log, clock, logger, retry, http, newMessageId },
    store: stores.pushes,
    outcomes: stores.outcomes,
    tasks: core.tasks,
    targets: pushTargets,
    counts: counts.outbound,
    newConfigId: randomUUID,
  });
  const reaches = new Reaches({
    ...{ log, clock, logger, retry, newMessageId },
    store: stores.reaches,
    credentials: new ReachCredentials({
      ...{ keys, clock, logger, isAllowed },
      credentials: stores.reachCredentials,
    }),
    tasks: core.tasks,
    relay: core.relay,
    ladder: core.ladder,
    delivery: core.delivery,
    attachments: core.attachments,
    attached: (agentId) => registry.presence.attached(agentId),
    agents: stores.agents,
    directory: registry.directory,
    amend: registry.agents.amend,
    ...reaching,
  });
  core.ladder.setRedriver(async (agentId, dead) => {
    return (await pushes.redrive(dead)) ?? (await redriveTask({ log, tasks: core.tasks }, agentId, dead));
  });
  registry.directory.onChange((agentId, what) => {
    if (what === "removed") void pushes.forgetOwner(agentId);
  });
  return {
    pushes,
    reaches,
    httpFor: (agentId) => createReachHttp(agentId, reaching),
    calls: () => ({ running: gate.running, resting: pushTargets.resting + reachTargets.resting }),
    start() {
      reaches.start().catch((error: unknown) => logger.error("reach.not_resumed", { error }));
      pushes.resumeAll().catch((error: unknown) => logger.error("push.not_resumed", { error }));
    },
    async stop() {
      await Promise.all([pushes.stop(), reaches.stop()]);
    },
  };
}

function boundsOf(atOnce: number, perTarget: number): PlaceBounds {
  return { atOnce, perCaller: Math.ceil(atOnce * CALLER_SHARE), perTarget };
}
