import { setTimeout as delay } from "node:timers/promises";
import { MeshError } from "../../model/errors.ts";
import type { Listener, ListenerOptions } from "../../ports/listener.ts";
import { freePort, listenError } from "../free-port.ts";
import { GOODBYE_MS } from "../listener-limits.ts";
import { loadUws } from "./load.ts";
import { createServingApp, type ServingDeps } from "./serving-app.ts";
import { openTlsApps, type TlsApps } from "./tls-apps.ts";
import type { App, ListenSocket, UwsModule } from "./uws.d.ts";

/**
 * HTTP/1.1 and WebSocket by uWebSockets.js. Limits of the native side that cannot be set: 16 KiB of request headers
 * (then 431), 10 s for them to come, 10 s between requests, 16 KiB/s of a body on average over 10 s, 10 s for a
 * reader that takes nothing. A request that is pipelined behind one that is still being answered ends the
 * connection: clients repeat such requests by themselves, and hardly any client pipelines.
 * @throws MeshError unavailable when the address cannot be had, invalid_argument when the TLS files are not fit
 */
export async function openUwsListener(options: ListenerOptions): Promise<Listener> {
  const uws = loadUws();
  let isAccepting = true;
  const apps = await openApps({ uws, options, isAccepting: () => isAccepting });
  const listenSocket = await listen(uws, apps, options);
  const port = uws.us_socket_local_port(listenSocket);

  const stopAccepting = () => {
    if (isAccepting) uws.us_listen_socket_close(listenSocket);
    isAccepting = false;
  };
  const closeAll = async () => {
    stopAccepting();
    if (apps.closeSockets()) await delay(GOODBYE_MS);
    apps.close();
  };
  let closing: Promise<void> | undefined;
  return {
    port,
    reloadTls: apps.reload,
    stopAccepting,
    close: () => {
      closing ??= closeAll();
      return closing;
    },
  };
}

async function openApps(deps: ServingDeps): Promise<TlsApps> {
  const { tls } = deps.options;
  if (tls !== undefined) return openTlsApps(deps, tls);
  const app = createServingApp(deps);
  return {
    acceptor: app.native,
    reload: () => Promise.reject(new MeshError("invalid_argument", "this listener speaks no TLS")),
    closeSockets: app.closeSockets,
    close: () => {
      app.native.close();
    },
  };
}

/** Another program may take a free port between its choice and its use. */
const FREE_PORT_ATTEMPTS = 5;

async function listen(uws: UwsModule, apps: TlsApps, options: ListenerOptions): Promise<ListenSocket> {
  const { host, port } = options;
  try {
    if (port !== 0) return await listenOn(uws, apps.acceptor, host, port);
    // Given port 0, the native side does not set SO_REUSEADDR, and a restart on the same port fails for a minute.
    for (let attempt = 1; ; attempt++) {
      try {
        return await listenOn(uws, apps.acceptor, host, await freePort(host));
      } catch (error) {
        if (attempt === FREE_PORT_ATTEMPTS) throw error;
      }
    }
  } catch (error) {
    apps.close();
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
