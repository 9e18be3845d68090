import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { MeshError } from "../../model/errors.ts";
import type { RpcTlsFiles } from "../../ports/rpc-listener.ts";
import { normalizeAddress } from "../client-address.ts";
import { listenErrorFromCause } from "../free-port.ts";
import { readProxyHeader } from "../read-proxy-header.ts";
import type { IsTrustedProxy } from "./call-context.ts";
import { OpenCount } from "./open-count.ts";
import { openTlsGate, type TlsGate } from "./tls-gate.ts";

export interface EntranceOptions {
  readonly host: string;
  readonly port: number;
  readonly connections: number;
  readonly greetingMs: number;
  readonly tls?: RpcTlsFiles | undefined;
  readonly isTrustedProxy: IsTrustedProxy;
  readonly expectsProxyHeader: boolean;
  /**
   * A connection on which HTTP/2 can begin; its `remoteAddress` is the client's as far as the proxy's header tells.
   * It is cut unless `greeted` is called in time.
   */
  readonly onConnection: (socket: Socket, greeted: () => void) => void;
}

/** Accepts connections: reads the proxy's header, speaks TLS, and cuts who does not get that far in time. */
export interface Entrance {
  readonly port: number;
  /** @throws MeshError invalid_argument */
  reloadTls(): Promise<void>;
  stopAccepting(): void;
  /** Answers when no connection is open, or after `limitMs`. */
  empty(limitMs: number): Promise<void>;
  /** Cuts all connections. */
  close(): Promise<void>;
}

/** @throws MeshError unavailable when the address cannot be listened on, invalid_argument for unfit TLS files */
export async function openEntrance(options: EntranceOptions): Promise<Entrance> {
  const gate = options.tls === undefined ? undefined : await openTlsGate(options.tls, options.greetingMs);
  const sockets = new Set<Socket>();
  const open = new OpenCount();
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    const ended = open.begin();
    socket.once("close", () => {
      sockets.delete(socket);
      ended();
    });
    welcome(socket, options, gate);
  });
  server.maxConnections = options.connections;
  const port = await listen(server, options);
  return {
    port,
    async reloadTls() {
      await gate?.reload();
    },
    stopAccepting: () => void server.close(),
    empty: (limitMs) => open.none(limitMs),
    async close() {
      const closed = server.listening ? once(server, "close") : undefined;
      if (server.listening) server.close();
      for (const socket of sockets) socket.destroy();
      await closed;
    },
  };
}

async function listen(
  server: ReturnType<typeof createServer>,
  { host, port }: EntranceOptions,
): Promise<number> {
  try {
    server.listen({ host, port, exclusive: true });
    await once(server, "listening");
  } catch (cause) {
    throw listenErrorFromCause(host, port, cause);
  }
  const address = server.address();
  if (address === null || typeof address === "string")
    throw new MeshError("unavailable", `cannot listen on ${host}:${port}`);
  return address.port;
}

function welcome(socket: Socket, options: EntranceOptions, gate: TlsGate | undefined): void {
  // Whatever breaks a connection also closes it, and that is all there is to do about it.
  socket.on("error", ignore);
  const late = setTimeout(() => socket.destroy(), options.greetingMs);
  const greeted = (): void => clearTimeout(late);
  socket.once("close", greeted);
  const { isTrustedProxy, expectsProxyHeader } = options;
  const address = normalizeAddress(socket.remoteAddress ?? "");
  const enter = (client: string): void => {
    if (gate === undefined) options.onConnection(named(socket, client), greeted);
    else gate.enter(socket, (secure) => options.onConnection(named(secure, client), greeted));
  };
  if (expectsProxyHeader && isTrustedProxy?.(address) === true) {
    readProxyHeader(socket, options.greetingMs).then(
      (client) => enter(client ?? address),
      () => socket.destroy(),
    );
  } else enter(address);
}

/** The library asks the socket for the address. */
function named(socket: Socket, client: string): Socket {
  return Object.defineProperty(socket, "remoteAddress", { value: client });
}

function ignore(): void {
  // 'close' follows.
}
