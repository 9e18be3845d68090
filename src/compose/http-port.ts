import type { Config } from "../config.ts";
import { createHostGuard, type HostGuard } from "../listeners/host-guard.ts";
import { openHttpListener } from "../listeners/open-http-listener.ts";
import { ipSetFromTexts } from "../model/ip-address.ts";
import type { Listener, ListenerOptions } from "../ports/listener.ts";
import type { HubOptions } from "./hub-options.ts";

/** What the faces bring; the rest is configured. */
export type HttpMounts = Pick<
  ListenerOptions,
  "http" | "socketPath" | "socket" | "maxBodyBytes" | "maxFrameBytes" | "socketHighWaterBytes"
>;

export interface HttpPort {
  readonly listener: Listener;
  /** Where it listens. */
  readonly url: string;
}

/** Opens the HTTP port as it is configured. */
export async function openHttpPort({ config, logger }: HubOptions, mounts: HttpMounts): Promise<HttpPort> {
  const { host, tls } = config;
  const guard = hostGuard(config);
  const { listener, kind, reason } = await openHttpListener(config.listener, {
    ...mounts,
    http: guard?.http(mounts.http) ?? mounts.http,
    socket: guard?.socket(mounts.socket) ?? mounts.socket,
    host,
    port: config.httpPort,
    ...(tls !== undefined && { tls }),
    isTrustedProxy: ipSetFromTexts(config.trustedProxies).has,
    expectsProxyHeader: config.proxyProtocol.http,
    socketSilenceMs: config.limits.silentClientMs,
    onError: (error) => logger.error("face.failed", { error }),
  });
  if (kind === "node") logger.info("listener.chosen", { listener: kind, reason });
  const scheme = tls === undefined ? "http" : "https";
  return { listener, url: `${scheme}://${host.includes(":") ? `[${host}]` : host}:${listener.port}` };
}

const LOOPBACK = /^(?:localhost|127(?:\.\d{1,3}){3}|::1)$/;

/** Only for a hub that other machines reach by a proxy, if at all: then the names that it goes by are known. */
function hostGuard({ host, hubId, publicUrl }: Config): HostGuard | undefined {
  if (!LOOPBACK.test(host)) return undefined;
  const publicName = publicUrl === undefined ? [] : [new URL(publicUrl).hostname];
  return createHostGuard([hubId.replace(/:\d+$/, ""), ...publicName]);
}
