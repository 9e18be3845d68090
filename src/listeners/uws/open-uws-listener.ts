import { setTimeout as delay } from "node:timers/promises";
import { MeshError } from "../../model/errors.ts";
import type { Listener, ListenerOptions } from "../../ports/listener.ts";
import { freePort, listenError } from "../free-port.ts";
import { GOODBYE_CODE, GOODBYE_MS, GOODBYE_REASON } from "../listener-limits.ts";
import { createHttpRoute } from "./http-route.ts";
import { loadUws } from "./load.ts";
import type { UwsSocket } from "./socket.ts";
import { createSocketRoute } from "./socket-route.ts";
import type { App, ListenSocket, UwsModule } from "./uws.d.ts";

/**
 * HTTP/1.1 and WebSocket by uWebSockets.js. Limits of the native side that cannot be set: 16 KiB of request headers
 * (then 431), 10 s for them to come, 10 s between requests, 16 KiB/s of a body on average over 10 s, 10 s for a
 * reader that takes nothing. A request that is pipelined behind one that is still being answered ends the
 * connection: clients repeat such requests by themselves, and hardly any client pipelines.
 * @throws MeshError unavailable when the address cannot be had
 */
export async function openUwsListener(options: ListenerOptions): Promise<Listener> {
  const uws = loadUws();
  const sockets = new Set<UwsSocket>();
  const app = uws.App();
  app.ws(options.socketPath, createSocketRoute(options, uws.DISABLED, sockets));
  app.any("/*", createHttpRoute(options));
  const listenSocket = await listen(uws, app, options);
  const port = uws.us_socket_local_port(listenSocket);

  let isAccepting = true;
  const stopAccepting = () => {
    if (isAccepting) uws.us_listen_socket_close(listenSocket);
    isAccepting = false;
  };
  const closeAll = async () => {
    stopAccepting();
    const hadSockets = sockets.size > 0;
    for (const socket of sockets) socket.close(GOODBYE_CODE, GOODBYE_REASON);
    if (hadSockets) await delay(GOODBYE_MS);
    app.close();
  };
  let closing: Promise<void> | undefined;
  return {
    port,
    reloadTls: () => Promise.reject(new MeshError("unimplemented", "this listener speaks no TLS yet")),
    stopAccepting,
    close: () => {
      closing ??= closeAll();
      return closing;
    },
  };
}

/** Another program may take a free port between its choice and its use. */
const FREE_PORT_ATTEMPTS = 5;

async function listen(uws: UwsModule, app: App, options: ListenerOptions): Promise<ListenSocket> {
  const { host, port } = options;
  try {
    if (port !== 0) return await listenOn(uws, app, host, port);
    // Given port 0, the native side does not set SO_REUSEADDR, and a restart on the same port fails for a minute.
    for (let attempt = 1; ; attempt++) {
      try {
        return await listenOn(uws, app, host, await freePort(host));
      } catch (error) {
        if (attempt === FREE_PORT_ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    app.close();
    throw error;
  }
}

async function listenOn(uws: UwsModule, app: App, host: string, port: number): Promise<ListenSocket> {
  const socket = await new Promise<ListenSocket | false>((resolve) => {
    app.listen(host, port, uws.LIBUS_LISTEN_EXCLUSIVE_PORT, resolve);
  });
  if (socket === false) throw await listenError(host, port);
  return socket;
}
