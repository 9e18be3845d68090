import { openRpcListener } from "../listeners/h2/open-rpc-listener.ts";
import { Serving } from "../listeners/h2/serving.ts";
import { ipSetFromTexts } from "../model/ip-address.ts";
import type { RpcService } from "../ports/rpc.ts";
import type { RpcLimits, RpcListener } from "../ports/rpc-listener.ts";
import type { HubOptions } from "./hub-options.ts";

/** Longer than any network takes. */
const PING_ANSWER_MS = 20_000;

export interface RpcFace {
  readonly listener: RpcListener;
  /** Where it listens: host:port. */
  readonly address: string;
  /** What health checks are told. */
  setServing(isServing: boolean): void;
}

export interface RpcFaceOptions {
  readonly services: () => Promise<readonly RpcService[]>;
  readonly maxMessageBytes: number;
  readonly highWaterBytes: number;
}

/** Opens the gRPC port: the native services, health checking, reflection. */
export async function openRpcFace(
  { config, logger }: HubOptions,
  { services, ...limits }: RpcFaceOptions,
): Promise<RpcFace> {
  const { host, tls } = config;
  const serving = new Serving();
  const listener = await openRpcListener({
    host,
    port: config.grpcPort,
    services: async () => allServices(await services(), serving),
    isTrustedProxy: ipSetFromTexts(config.trustedProxies).has,
    expectsProxyHeader: config.proxyProtocol.grpc,
    ...limits,
    limits: pingsWithin(config.limits.silentClientMs),
    ...(tls !== undefined && { tls }),
    onError: (error) => logger.error("face.failed", { error }),
  });
  return {
    listener,
    address: `${host.includes(":") ? `[${host}]` : host}:${listener.port}`,
    setServing: (isServing) => serving.set(isServing),
  };
}

/** A silent connection is pinged at half of the time, and cut when no answer comes soon after. */
function pingsWithin(silenceMs: number): Pick<RpcLimits, "pingEveryMs" | "pingAnswerMs"> {
  const pingEveryMs = silenceMs / 2;
  return { pingEveryMs, pingAnswerMs: Math.min(pingEveryMs, PING_ANSWER_MS) };
}

async function allServices(native: readonly RpcService[], serving: Serving): Promise<readonly RpcService[]> {
  const { createHealthService } = await import("../listeners/h2/health.ts");
  const { createReflection } = await import("../listeners/h2/reflection.ts");
  const served = [...native, createHealthService(native, serving)];
  return [...served, ...createReflection(served)];
}
