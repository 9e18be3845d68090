import { a2aAdapter } from "../../adapters/a2a/index.ts";
import { restAdapter } from "../../adapters/rest/index.ts";
import type { Adapter } from "../adapter-kit.ts";
import {
  drainingAnswer,
  healthRoutes,
  methodNotAllowedAnswer,
  notFoundAnswer,
  upgradeRequiredRoute,
} from "../api/health.ts";
import type { HubApi } from "../api/hub-api.ts";
import type { OpenSessionOptions } from "../api/session/open-session.ts";
import { createSocketHandler } from "../api/session/socket-handler.ts";
import { createConnectMount } from "../listeners/connect/mount.ts";
import { createCors, guardSocketOrigin } from "../listeners/cors.ts";
import { createInFlight, type InFlight } from "../listeners/in-flight.ts";
import { createHttpHandler } from "../listeners/mounts.ts";
import type { Cleanup } from "../model/cleanup.ts";
import type { Counts } from "../model/counts.ts";
import { ipSetFromTexts } from "../model/ip-address.ts";
import type { HubKeys } from "../ports/hub-keys.ts";
import type { Listener, Route } from "../ports/listener.ts";
import type { RpcService } from "../ports/rpc.ts";
import type { Metrics } from "../telemetry/metrics/metrics.ts";
import { metricsRoute } from "../telemetry/metrics/metrics-route.ts";
import { createFaceWatch, type FaceWatch } from "./face-watch.ts";
import { openHttpPort } from "./http-port.ts";
import type { HubOptions } from "./hub-options.ts";
import { openRpcFace, type RpcFace } from "./rpc-face.ts";

/** Foreign protocols that this hub speaks. Adding one is its folder and a line here. */
const ADAPTERS: readonly Adapter[] = [restAdapter, a2aAdapter];

const SOCKET_PATH = "/ws";
/** A body holds a payload as base64 and what stands around it. */
const BODY_FACTOR = 1.4;
const BODY_MARGIN_BYTES = 65_536;
const SOCKET_HIGH_WATER_BYTES = 1_048_576;
const DRAIN_MS = 5000;

export interface Faces {
  readonly isReady: () => boolean;
  readonly listeners: readonly Listener[];
  /** Where the gRPC port listens: host:port. */
  readonly grpcAddress: string;
  /** From now on /readyz and health checks say so. */
  setReady(): void;
  /** Says that the hub is not ready, and takes no more connections. */
  stopAccepting(): void;
  /** Waits for the calls under way; new ones are refused. */
  settle(): Promise<void>;
}

/** Where the ports listen: filled in when they do. */
export interface PortAddresses {
  url: string;
  /** host:port */
  grpc: string;
}

export interface FacesDeps {
  readonly api: HubApi;
  readonly publicUrl: () => string;
  readonly address: PortAddresses;
  readonly keys: HubKeys;
  readonly cleanup: Cleanup;
  readonly counts: Counts;
  readonly metrics: Metrics;
}

/** What the hub answers beside its protocols. */
function ownRoutes(
  { config, logger }: HubOptions,
  { api, metrics }: Pick<FacesDeps, "api" | "metrics">,
  isReady: () => boolean,
): readonly Route[] {
  const readers = ipSetFromTexts(config.metricsReaders);
  const { authenticate } = api.registry;
  return [
    ...healthRoutes(isReady),
    upgradeRequiredRoute(SOCKET_PATH),
    metricsRoute({ metrics, authenticate, isReader: readers.has, logger }),
  ];
}

/** What sessions and the native services are built from, on whichever wire. */
function wireOptions(
  { config }: HubOptions,
  { api, counts }: Pick<FacesDeps, "api" | "counts">,
  maxFrameBytes: number,
): OpenSessionOptions {
  const { hubId, limits } = config;
  const { maxPayloadBytes } = limits;
  return { api, counts, hubId, maxPayloadBytes, maxFrameBytes };
}

/** Opens the ports and mounts all faces on them. */
export async function openFaces(
  options: HubOptions,
  { api, publicUrl, address, keys, cleanup, counts, metrics }: FacesDeps,
): Promise<Faces> {
  const { config, logger } = options;
  const maxBodyBytes = Math.ceil(config.limits.maxPayloadBytes * BODY_FACTOR) + BODY_MARGIN_BYTES;
  let isReady = false;
  const watch = createFaceWatch(options, metrics);
  const own = ownRoutes(options, { api, metrics }, () => isReady);
  const adapters = mountAdapters(options, { api, publicUrl, address, keys }, watch);
  const routes: readonly Route[] = [...watch.routes("hub", own), ...adapters.routes];
  const cors = createCors({ origins: config.corsOrigins });
  const wires = wireOptions(options, { api, counts }, maxBodyBytes);
  const servicesBy = (wire: string) => async () => {
    const { createNativeServices } = await import("../api/native/index.ts");
    return watch.services(wire, createNativeServices(wires));
  };
  const connect = createConnectMount({
    services: servicesBy("connect"),
    maxMessageBytes: maxBodyBytes,
    onError: (error, procedure) => logger.error("request.failed", { procedure, error: error.cause ?? error }),
  });
  const inFlight = createInFlight(
    createHttpHandler({
      routes,
      prefixes: [{ ...connect, handle: watch.handler("connect", connect.handle) }],
      cors,
      notFound: watch.answers("none", notFoundAnswer),
      methodNotAllowed: methodNotAllowedAnswer,
    }),
    drainingAnswer(),
  );
  const { listener, url } = await openHttpPort(options, {
    http: inFlight.handler,
    socketPath: SOCKET_PATH,
    socket: guardSocketOrigin(cors, watch.sockets("websocket", createSocketHandler(wires))),
    maxBodyBytes,
    maxFrameBytes: maxBodyBytes,
    socketHighWaterBytes: SOCKET_HIGH_WATER_BYTES,
  });
  cleanup.defer(() => listener.close());
  address.url = url;
  const native = servicesBy("grpc");
  const rpc = await openRpcFace(options, {
    services: async () => [...(await native()), ...adapters.services],
    maxMessageBytes: maxBodyBytes,
    highWaterBytes: SOCKET_HIGH_WATER_BYTES,
  });
  cleanup.defer(() => rpc.listener.close());
  address.grpc = rpc.address;
  return {
    isReady: () => isReady,
    listeners: [listener, rpc.listener],
    grpcAddress: rpc.address,
    ...asOne({ listener, inFlight, rpc }, (ready) => {
      isReady = ready;
    }),
  };
}

interface Mounted {
  readonly routes: readonly Route[];
  /** Beside the native ones on the gRPC port. */
  readonly services: readonly RpcService[];
}

function mountAdapters(
  { config, logger, version }: HubOptions,
  { api, publicUrl, address, keys }: Pick<FacesDeps, "api" | "publicUrl" | "address" | "keys">,
  watch: FaceWatch,
): Mounted {
  const { hubId } = config;
  // Behind a public URL the gRPC port is wherever the operator says; the listening address would mislead.
  const listening = (): string | undefined => (config.publicUrl === undefined ? address.grpc : undefined);
  const publicGrpc = (): string | undefined => config.publicGrpc ?? listening();
  const common = { api, logger, hubId, publicUrl, publicGrpc, keys, version };
  const mounted = ADAPTERS.map((adapter) => {
    const { routes, services } = adapter.mount({ ...common, config: adapter.config.parse({}) });
    return {
      routes: watch.routes(adapter.name, routes),
      services: watch.services(adapter.name, services ?? []),
    };
  });
  return {
    routes: mounted.flatMap(({ routes }) => routes),
    services: mounted.flatMap(({ services }) => services),
  };
}

interface OpenFaces {
  readonly listener: Listener;
  readonly inFlight: InFlight;
  readonly rpc: RpcFace;
}

/** What both ports do together. */
function asOne(
  { listener, inFlight, rpc }: OpenFaces,
  setReady: (isReady: boolean) => void,
): Pick<Faces, "setReady" | "stopAccepting" | "settle"> {
  return {
    setReady() {
      setReady(true);
      rpc.setServing(true);
    },
    stopAccepting() {
      setReady(false);
      rpc.setServing(false);
      listener.stopAccepting();
      rpc.listener.stopAccepting();
    },
    async settle() {
      await Promise.all([inFlight.drain(DRAIN_MS), rpc.listener.settle(DRAIN_MS)]);
    },
  };
}
