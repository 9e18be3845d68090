import { watchFiles } from "../listeners/tls-watch.ts";
import type { Cleanup } from "../model/cleanup.ts";
import type { HubOptions } from "./hub-options.ts";

const LOOK_EVERY_MS = 5_000;

interface Reloadable {
  reloadTls(): Promise<void>;
}

/**
 * Watches the TLS files for the listeners. Gives what makes them read the files at once, undefined without TLS: it
 * never rejects; a listener that cannot take the new files keeps the old ones, and the log says why.
 */
export async function keepTlsFresh(
  { config, logger }: HubOptions,
  listeners: readonly Reloadable[],
  cleanup: Cleanup,
): Promise<(() => Promise<void>) | undefined> {
  const { tls } = config;
  if (tls === undefined) return undefined;
  const reload = async (): Promise<void> => {
    const outcomes = await Promise.allSettled(listeners.map((listener) => listener.reloadTls()));
    const failed = outcomes.filter((outcome) => outcome.status === "rejected");
    for (const { reason } of failed) logger.error("tls.refused", { error: reason });
    if (failed.length === 0) logger.info("tls.reloaded", { cert: tls.certPath });
  };
  // One at a time: listeners must not end up with an older certificate because they read it late.
  let last = Promise.resolve();
  const inTurn = (): Promise<void> => {
    last = last.then(reload);
    return last;
  };
  const paths = [tls.certPath, tls.keyPath, ...(tls.clientCaPath === undefined ? [] : [tls.clientCaPath])];
  const watch = await watchFiles({ paths, everyMs: LOOK_EVERY_MS, onChange: () => void inTurn() });
  cleanup.defer(() => watch.close());
  return inTurn;
}
