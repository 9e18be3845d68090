import type { HubApi } from "./api/hub-api.ts";
import { openFaces, type PortAddresses } from "./compose/faces.ts";
import type { HubOptions } from "./compose/hub-options.ts";
import { buildApi, buildCore, buildRegistry } from "./compose/layers.ts";
import { createHubMetrics, watchHub } from "./compose/metrics.ts";
import { buildOperations } from "./compose/operations.ts";
import { buildOutbound } from "./compose/outbound.ts";
import {
  ADMIN_TOKEN_FILE,
  adminToken,
  compactIfDue,
  hubKeys,
  openLog,
  openStores,
} from "./compose/storage.ts";
import { keepTlsFresh } from "./compose/tls.ts";
import { openTracer } from "./compose/tracing.ts";
import { createBacklog } from "./core/backlog.ts";
import { createCensus } from "./core/census.ts";
import { openDataDir } from "./engines/data-dir/data-dir.ts";
import { Cleanup } from "./model/cleanup.ts";

export type { HubOptions } from "./compose/hub-options.ts";

export interface Hub extends AsyncDisposable {
  /** Where the HTTP port listens, as a URL. */
  readonly httpUrl: string;
  /** Where the gRPC port listens: host:port. */
  readonly grpcAddress: string;
  readonly hubId: string;
  /** Set when this start made the operator's token: it is shown once. */
  readonly firstAdminToken: string | undefined;
  readonly api: HubApi;
  /** Reads the TLS files again, for connections from now on; undefined without TLS. Never rejects: the log tells. */
  readonly reloadTls: (() => Promise<void>) | undefined;
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
  for (const upgrade of dataDir.upgrades) logger.warn("data.upgraded", { dataDir: dataDir.path, upgrade });
  await compactIfDue(options, dataDir);
  const { counts, metrics } = createHubMetrics(options);
  const tracer = await openTracer(options, cleanup);
  const [log, stores] = await Promise.all([
    openLog(options, dataDir, metrics.log).then((opened) => cleanup.use(opened)),
    openStores(options, dataDir).then((opened) => cleanup.use(opened)),
  ]);
  const admin = await adminToken(config, dataDir);
  const address: PortAddresses = { url: "", grpc: "" };
  const publicUrl = (): string => config.publicUrl ?? address.url;
  const registry = buildRegistry(options, stores, { adminToken: admin.token, publicUrl, counts });
  const core = buildCore(options, { log, stores, registry, counts, tracer });
  const backlog = createBacklog({ log, agents: stores.agents, clock: options.clock, logger });
  const census = createCensus({ ...stores, clock: options.clock, logger });
  const looks = { backlog, census };
  const operations = buildOperations(options, { dataDir, log, stores, registry, counts, core, ...looks });
  const keys = hubKeys(dataDir);
  const outbound = await buildOutbound(options, { log, stores, registry, core, counts, keys, cleanup });
  const api = buildApi(options, { log, stores, registry, core, counts, operations, outbound });
  const faces = await openFaces(options, { api, publicUrl, address, keys, cleanup, counts, metrics });
  const reloadTls = await keepTlsFresh(options, faces.listeners, cleanup);
  watchHub(metrics, { registry, outbound, ...looks, isReady: faces.isReady });
  await core.start();
  outbound.start();
  void operations.resume();
  // Not before: a start that fails shows its token to nobody, and the next one has to be the first.
  if (admin.isNew) await dataDir.writeSecret(ADMIN_TOKEN_FILE, admin.token);
  faces.setReady();
  logger.info("hub.started", {
    http: address.url,
    grpc: faces.grpcAddress,
    dataDir: dataDir.path,
    durability: log.traits.durability,
  });
  return {
    httpUrl: address.url,
    grpcAddress: faces.grpcAddress,
    hubId: config.hubId,
    firstAdminToken: admin.isNew ? admin.token : undefined,
    api,
    reloadTls,
    async [Symbol.asyncDispose]() {
      faces.stopAccepting();
      core.drain();
      // Calls under way are answered before the core writes down what is still in memory.
      await faces.settle();
      await outbound.stop();
      await core.stop();
      await cleanup[Symbol.asyncDispose]();
      logger.info("hub.stopped");
    },
  };
}
