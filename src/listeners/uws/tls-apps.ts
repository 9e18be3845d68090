import { MeshError } from "../../model/errors.ts";
import type { TlsFiles } from "../../ports/listener.ts";
import { readTlsPair } from "../tls-files.ts";
import { createServingApp, type ServingApp, type ServingDeps } from "./serving-app.ts";
import type { App } from "./uws.d.ts";

const LOOK_AT_RETIRED_MS = 5_000;

/** An app that listens, and behind it the one that serves with the certificate of now. */
export interface TlsApps {
  /** The one to listen with. */
  readonly acceptor: App;
  /** @throws MeshError invalid_argument when the files are no fit pair; the old ones stay in use */
  reload(): Promise<void>;
  closeSockets(): boolean;
  close(): void;
}

/**
 * The native side cannot change the certificate of an app. But an app that listens can hand each connection that it
 * accepts, before TLS begins, to another app: so the listening socket stays, each certificate gets an app of its own,
 * and an app whose certificate is out of use serves the connections that it has until the last one is gone.
 * @throws MeshError invalid_argument when the files are no fit pair
 */
export async function openTlsApps(deps: ServingDeps, files: TlsFiles): Promise<TlsApps> {
  const acceptor = deps.uws.SSLApp({});
  const retired = new Set<ServingApp>();
  let current = await createChecked(deps, files);
  acceptor.addChildAppDescriptor(current.native.getDescriptor());
  let sweep: NodeJS.Timeout | undefined;
  let isClosed = false;

  const closeUnused = (): void => {
    for (const app of retired) {
      if (app.openCount() > 0) continue;
      app.native.close();
      retired.delete(app);
    }
    if (retired.size > 0) return;
    clearInterval(sweep);
    sweep = undefined;
  };

  return {
    acceptor,
    async reload() {
      const next = await createChecked(deps, files);
      if (isClosed) {
        next.native.close();
        return;
      }
      acceptor.addChildAppDescriptor(next.native.getDescriptor());
      acceptor.removeChildAppDescriptor(current.native.getDescriptor());
      // Not closed at once, also when nothing is open: a connection may be on its way to it.
      retired.add(current);
      current = next;
      sweep ??= setInterval(closeUnused, LOOK_AT_RETIRED_MS).unref();
    },
    closeSockets() {
      const hadSockets = [current, ...retired].map((app) => app.closeSockets());
      return hadSockets.includes(true);
    },
    close() {
      isClosed = true;
      clearInterval(sweep);
      for (const app of [current, ...retired]) app.native.close();
      acceptor.close();
    },
  };
}

/** Checked beforehand, since the native side does not say what it does not like. */
async function createChecked(deps: ServingDeps, files: TlsFiles): Promise<ServingApp> {
  await readTlsPair(files);
  try {
    return createServingApp(deps, files);
  } catch (cause) {
    throw new MeshError(
      "invalid_argument",
      `MESHKORE_TLS_CERT, MESHKORE_TLS_KEY: uWebSockets.js does not take ${files.certPath} with ${files.keyPath}`,
      { hint: "try again if they were just being written; else use keys of type EC P-256 or RSA", cause },
    );
  }
}
