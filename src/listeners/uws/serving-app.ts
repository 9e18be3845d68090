import type { ListenerOptions, TlsFiles } from "../../ports/listener.ts";
import { GOODBYE_CODE, GOODBYE_REASON } from "../listener-limits.ts";
import { TLS12_CIPHERS } from "../tls-files.ts";
import { createHttpRoute } from "./http-route.ts";
import type { UwsSocket } from "./socket.ts";
import { createSocketRoute } from "./socket-route.ts";
import type { App, UwsModule } from "./uws.d.ts";

/** A native app with all routes on it, and what is open on it. */
export interface ServingApp {
  readonly native: App;
  /** Connections, with those that became sockets. Counted with TLS only. */
  openCount(): number;
  /** Says goodbye to every socket; answers whether there was one. */
  closeSockets(): boolean;
}

export interface ServingDeps {
  readonly uws: UwsModule;
  readonly options: ListenerOptions;
  readonly isAccepting: () => boolean;
}

/**
 * An app that serves what `options` say. With files it speaks TLS.
 * @throws Error without a reason when the native side does not take the files
 */
export function createServingApp({ uws, options, isAccepting }: ServingDeps, tls?: TlsFiles): ServingApp {
  const sockets = new Set<UwsSocket>();
  const native = tls === undefined ? uws.App() : uws.SSLApp(sslOptions(tls));
  let httpCount = 0;
  const changed = (_response: unknown, change: 1 | -1) => {
    httpCount += change;
  };
  if (tls !== undefined) native.filter(changed);
  const upgraded = () => {
    // The filter is not told when a connection that became a socket ends.
    httpCount -= 1;
  };
  native.ws(options.socketPath, createSocketRoute(options, uws.DISABLED, { open: sockets, upgraded }));
  native.any("/*", createHttpRoute(options, isAccepting));
  return {
    native,
    openCount: () => httpCount + sockets.size,
    closeSockets() {
      const hadSockets = sockets.size > 0;
      for (const socket of sockets) socket.close(GOODBYE_CODE, GOODBYE_REASON);
      return hadSockets;
    },
  };
}

function sslOptions({ certPath, keyPath }: TlsFiles) {
  return { cert_file_name: certPath, key_file_name: keyPath, ssl_ciphers: TLS12_CIPHERS };
}
