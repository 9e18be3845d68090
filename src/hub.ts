import { randomBytes } from "node:crypto";
import { restAdapter } from "../adapters/rest/index.ts";
import type { Adapter } from "./adapter-kit.ts";
import { createChannelApi } from "./api/channels.ts";
import {
  drainingAnswer,
  healthRoutes,
  methodNotAllowedAnswer,
  notFoundAnswer,
  upgradeRequiredRoute,
} from "./api/health.ts";
import type { HubApi } from "./api/hub-api.ts";
import { createOverviewApi } from "./api/overview.ts";
import { createRegistryApi } from "./api/registry.ts";
import { createRelayApi } from "./api/relay.ts";
import { createSocketHandler } from "./api/session/socket-handler.ts";
import type { Config } from "./config.ts";
import { type Core, createCore } from "./core/core.ts";
import { inboxStream } from "./core/streams.ts";
import { type DataDir, openDataDir } from "./engines/data-dir/data-dir.ts";
import { MESSAGE_LOG_ENGINES } from "./engines/message-log/index.ts";
import { STORE_ENGINES } from "./engines/store/index.ts";
import { createCors, guardSocketOrigin } from "./listeners/cors.ts";
import { createInFlight } from "./listeners/in-flight.ts";
import { createHttpHandler } from "./listeners/mounts.ts";
import { openUwsListener } from "./listeners/uws/open-uws-listener.ts";
import { Cleanup } from "./model/cleanup.ts";
import { cursorFromPosition } from "./model/position.ts";
import type { Clock } from "./ports/clock.ts";
import type { Listener, Route } from "./ports/listener.ts";
import type { Logger } from "./ports/logger.ts";
import type { MessageLog } from "./ports/message-log.ts";
import type { Stores } from "./ports/stores.ts";
import { createOverview } from "./registry/overview.ts";
import { createRegistry, type Registry } from "./registry/registry.ts";

/** Foreign protocols that this hub speaks. Adding one is its folder and a line here. */
const ADAPTERS: readonly Adapter[] = [restAdapter];

const SOCKET_PATH = "/ws";
const ADMIN_TOKEN_FILE = "admin-token";
/** A body holds a payload as base64 and what stands around it. */
const BODY_FACTOR = 1.4;
const BODY_MARGIN_BYTES = 65_536;
const SOCKET_HIGH_WATER_BYTES = 1_048_576;
const DRAIN_MS = 5000;

export interface HubOptions {
  readonly config: Config;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** Module URLs that every thread loads before anything else, as this one did by `node --import`. */
  readonly preloads: readonly string[];
  /** The log may hold what was refused: the process must end and start again. */
  readonly onFatal: (error: Error) => void;
}

export interface Hub extends AsyncDisposable {
  /** Where the HTTP port listens, as a URL. */
  readonly httpUrl: string;
  readonly hubId: string;
  /** Set when this start made the operator's token: it is shown once. */
  readonly firstAdminToken: string | undefined;
  readonly api: HubApi;
}

/** Builds a hub from its configuration and starts it. Disposing drains and closes it. */
export async function openHub(options: HubOptions): Promise<Hub> {
  const cleanup = new Cleanup();
  try {
    return await buildHub(options, cleanup);
  } catch (thrown) {
    await cleanup[Symbol.asyncDispose]();
    throw thrown;
  }
}

async function buildHub(options: HubOptions, cleanup: Cleanup): Promise<Hub> {
  const { config, logger } = options;
  const dataDir = cleanup.use(await openDataDir(config.dataDir));
  const [log, stores] = await Promise.all([
    openLog(options, dataDir).then((opened) => cleanup.use(opened)),
    openStores(options, dataDir).then((opened) => cleanup.use(opened)),
  ]);
  const admin = await adminToken(config, dataDir);
  const address: { url: string } = { url: "" };
  const publicUrl = (): string => config.publicUrl ?? address.url;
  const registry = buildRegistry(options, stores, { adminToken: admin.token, publicUrl });
  const core = buildCore(options, { log, stores, registry });
  const api = buildApi(options, { log, stores, registry, core });
  const faces = await openFaces(options, { api, publicUrl, address, cleanup });
  await core.start();
  // Not before: a start that fails shows its token to nobody, and the next one has to be the first.
  if (admin.isNew) await dataDir.writeSecret(ADMIN_TOKEN_FILE, admin.token);
  faces.setReady();
  logger.info("hub.started", { http: address.url, dataDir: dataDir.path, durability: log.traits.durability });
  return {
    httpUrl: address.url,
    hubId: config.hubId,
    firstAdminToken: admin.isNew ? admin.token : undefined,
    api,
    async [Symbol.asyncDispose]() {
      faces.listener.stopAccepting();
      core.drain();
      // Calls under way are answered before the core writes down what is still in memory.
      await faces.settle();
      await core.stop();
      await cleanup[Symbol.asyncDispose]();
      logger.info("hub.stopped");
    },
  };
}

async function openLog({ config, clock, logger, onFatal }: HubOptions, dataDir: DataDir) {
  const open = await MESSAGE_LOG_ENGINES.embedded();
  return open({
    path: dataDir.logPath,
    durability: config.durability,
    nowUnixMs: () => clock.nowUnixMs(),
    onFatal,
    onWatcherError: (error) => logger.error("wake.failed", { error }),
  });
}

async function openStores({ preloads, onFatal }: HubOptions, dataDir: DataDir) {
  const open = await STORE_ENGINES.sqlite();
  return open({ path: dataDir.storePath, preloads, onFatal });
}

async function adminToken(config: Config, dataDir: DataDir): Promise<{ token: string; isNew: boolean }> {
  if (config.adminToken !== undefined) return { token: config.adminToken, isNew: false };
  const kept = await dataDir.readSecret(ADMIN_TOKEN_FILE);
  if (kept !== undefined) return { token: kept, isNew: false };
  return { token: `mka_${randomBytes(32).toString("base64url")}`, isNew: true };
}

function buildRegistry(
  { config, clock, logger }: HubOptions,
  stores: Stores,
  hub: { readonly adminToken: string; readonly publicUrl: () => string },
): Registry {
  const { hubId, jwtSecret, limits } = config;
  return createRegistry({ stores, clock, logger, hubId, jwtSecret, limits, ...hub });
}

interface Parts {
  readonly log: MessageLog;
  readonly stores: Stores;
  readonly registry: Registry;
}

function buildCore({ config, clock, logger }: HubOptions, { log, stores, registry }: Parts): Core {
  const { directory, presence } = registry;
  const attached = (agentId: string): (() => void) => presence.attached(agentId);
  return createCore({
    log,
    stores,
    directory,
    attached,
    clock,
    logger,
    hubId: config.hubId,
    bounds: config.limits,
  });
}

function buildApi({ config, clock, version }: HubOptions, parts: Parts & { readonly core: Core }): HubApi {
  const { log, stores, registry, core } = parts;
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
    channels,
    registry: createRegistryApi(registry),
    overview: createOverviewApi(overview),
  };
}

interface Faces {
  readonly listener: Listener;
  /** From now on /readyz says so. */
  setReady(): void;
  /** Says that the hub is not ready, and waits for the calls under way. */
  settle(): Promise<void>;
}

interface FacesDeps {
  readonly api: HubApi;
  readonly publicUrl: () => string;
  readonly address: { url: string };
  readonly cleanup: Cleanup;
}

async function openFaces(
  options: HubOptions,
  { api, publicUrl, address, cleanup }: FacesDeps,
): Promise<Faces> {
  const { config, clock, logger } = options;
  const { hubId, host, limits } = config;
  const maxBodyBytes = Math.ceil(limits.maxPayloadBytes * BODY_FACTOR) + BODY_MARGIN_BYTES;
  let isReady = false;
  const routes: Route[] = [...healthRoutes(() => isReady), upgradeRequiredRoute(SOCKET_PATH)];
  for (const adapter of ADAPTERS) {
    const context = { api, logger, hubId, publicUrl, config: adapter.config.parse({}) };
    routes.push(...adapter.mount(context).routes);
  }
  const cors = createCors({ origins: config.corsOrigins });
  const inFlight = createInFlight(
    createHttpHandler({ routes, cors, notFound: notFoundAnswer, methodNotAllowed: methodNotAllowedAnswer }),
    drainingAnswer(),
  );
  const sessions = createSocketHandler({
    api,
    hubId,
    maxPayloadBytes: limits.maxPayloadBytes,
    maxFrameBytes: maxBodyBytes,
    nowUnixMs: () => clock.nowUnixMs(),
  });
  const listener = await openUwsListener({
    host,
    port: config.httpPort,
    http: inFlight.handler,
    socketPath: SOCKET_PATH,
    socket: guardSocketOrigin(cors, sessions),
    maxBodyBytes,
    maxFrameBytes: maxBodyBytes,
    socketHighWaterBytes: SOCKET_HIGH_WATER_BYTES,
    onError: (error) => logger.error("face.failed", { error }),
  });
  cleanup.defer(() => listener.close());
  address.url = `http://${host.includes(":") ? `[${host}]` : host}:${listener.port}`;
  return {
    listener,
    setReady() {
      isReady = true;
    },
    settle: () => inFlight.drain(DRAIN_MS),
  };
}
