import { once } from "node:events";
import { createServer, type IncomingMessage, type Server, type ServerOptions } from "node:http";
import { createServer as createTlsServer, type Server as TlsServer } from "node:https";
import { Server as NetServer, type Socket } from "node:net";
import { setTimeout as delay } from "node:timers/promises";
import { MeshError } from "../../model/errors.ts";
import type { Listener, ListenerOptions, TlsFiles } from "../../ports/listener.ts";
import { listenErrorFromCause } from "../free-port.ts";
import { BODY_TIMEOUT_MS, DRAIN_MS, GOODBYE_MS } from "../listener-limits.ts";
import { readTlsPair, TLS12_CIPHERS } from "../tls-files.ts";
import { createRequestHandler } from "./http-requests.ts";
import { headFromMessage } from "./message-head.ts";
import { acceptProxied } from "./proxied-connections.ts";
import { createUpgrades } from "./upgrades.ts";

/** As uWebSockets.js has them, so that clients meet the same limits whoever serves. */
const MAX_HEADERS_BYTES = 16 * 1024;
const HEADERS_TIMEOUT_MS = 10_000;
const KEEP_ALIVE_MS = 10_000;
const CHECK_EVERY_MS = 2_000;

/**
 * HTTP/1.1 and WebSocket by Node's own server and `ws`: slower than uWebSockets.js, and everywhere where Node runs.
 * Limits beside the options: 16 KiB of request headers (then 431), 10 s for them to come (then 408), 10 s between
 * requests, 10 s for a reader that takes nothing.
 * @throws MeshError unavailable when the address cannot be had, invalid_argument when the TLS files are not fit
 */
export async function openNodeListener(options: ListenerOptions): Promise<Listener> {
  const connections = new Set<Socket>();
  let isAccepting = true;
  const proxied = { addressOf: (_request: IncomingMessage): string | undefined => undefined };
  const headOf = (request: IncomingMessage) =>
    headFromMessage(request, proxied.addressOf(request), options.isTrustedProxy);
  const upgrades = createUpgrades(options, headOf);
  const server = await createNativeServer(options, {
    ...serverOptions(options),
    // Others that want an upgrade, to HTTP/2 for example, are served as if they had not asked (RFC 9110, section 7.8).
    ...{ shouldUpgradeCallback: upgrades.decide },
  });
  if (options.expectsProxyHeader === true) proxied.addressOf = acceptProxied(server, options);
  server.on("connection", (socket: Socket) => {
    connections.add(socket);
    socket.once("close", () => connections.delete(socket));
  });
  server.on("request", createRequestHandler(options, { headOf, upgrades, isAccepting: () => isAccepting }));
  server.on("upgrade", upgrades.upgrade);
  const port = await listen(server, options);
  const closed = new Promise((resolve) => server.once("close", resolve));

  const stopAccepting = () => {
    // Not http's own close, which also cuts idle connections whose next request may be on its way.
    if (isAccepting) NetServer.prototype.close.call(server);
    isAccepting = false;
  };
  const closeAll = async () => {
    stopAccepting();
    if (upgrades.closeAll()) await delay(GOODBYE_MS);
    server.close();
    await Promise.all([...connections].map(destroyed));
    await closed;
  };
  let closing: Promise<void> | undefined;
  return {
    port,
    reloadTls: () => reloadTls(server, options.tls),
    stopAccepting,
    close: () => {
      closing ??= closeAll();
      return closing;
    },
  };
}

/** Also what was served over the connection knows then that it is gone. */
function destroyed(socket: Socket): Promise<void> {
  return new Promise((resolve) => {
    socket.once("close", () => resolve());
    socket.destroy();
  });
}

function serverOptions({ bodyTimeoutMs = BODY_TIMEOUT_MS }: ListenerOptions): ServerOptions {
  return {
    maxHeaderSize: MAX_HEADERS_BYTES,
    headersTimeout: HEADERS_TIMEOUT_MS,
    // A body that is late is answered before this; what is still sent then is drained before this.
    requestTimeout: HEADERS_TIMEOUT_MS + bodyTimeoutMs + DRAIN_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: CHECK_EVERY_MS,
  };
}

async function createNativeServer(
  { tls }: ListenerOptions,
  options: ServerOptions,
): Promise<Server | TlsServer> {
  if (tls === undefined) return createServer(options);
  return createTlsServer({ ...options, ...(await secureOptions(tls)), handshakeTimeout: HEADERS_TIMEOUT_MS });
}

async function secureOptions(files: TlsFiles) {
  const { cert, key } = await readTlsPair(files);
  return { cert, key, ciphers: TLS12_CIPHERS, minVersion: "TLSv1.2" as const };
}

async function reloadTls(server: Server | TlsServer, files: TlsFiles | undefined): Promise<void> {
  if (files === undefined || !("setSecureContext" in server)) {
    throw new MeshError("invalid_argument", "this listener speaks no TLS");
  }
  server.setSecureContext(await secureOptions(files));
}

async function listen(server: Server, { host, port }: ListenerOptions): Promise<number> {
  server.listen({ host, port, exclusive: true });
  try {
    await once(server, "listening");
  } catch (cause) {
    throw listenErrorFromCause(host, port, cause);
  }
  const address = server.address();
  if (address === null || typeof address === "string") throw listenErrorFromCause(host, port, undefined);
  return address.port;
}
