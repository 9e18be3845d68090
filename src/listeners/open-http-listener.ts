import { MeshError } from "../model/errors.ts";
import type { Listener, ListenerOptions } from "../ports/listener.ts";

export interface OpenedListener {
  readonly listener: Listener;
  readonly kind: "uws" | "node";
  /** Why it is Node's own. */
  readonly reason?: string;
}

/**
 * Opens the HTTP port by uWebSockets.js where that can serve it, else by Node's own server. Loads only the one that
 * it takes.
 * @throws MeshError unavailable when the address cannot be had or the wanted listener does not load; invalid_argument
 *   when the TLS files are not fit, or uWebSockets.js is wanted for what it cannot do
 */
export async function openHttpListener(
  wanted: "auto" | "uws" | "node",
  options: ListenerOptions,
): Promise<OpenedListener> {
  const reason = wanted === "node" ? "it was asked for" : await whyNotUws(options);
  if (reason === undefined) {
    const { openUwsListener } = await import("./uws/open-uws-listener.ts");
    return { listener: await openUwsListener(options), kind: "uws" };
  }
  if (wanted === "uws") {
    throw new MeshError("unavailable", `uWebSockets.js cannot serve the HTTP port: ${reason}`, {
      hint: "set MESHKORE_LISTENER to auto or node",
    });
  }
  const { openNodeListener } = await import("./node/open-node-listener.ts");
  return { listener: await openNodeListener(options), kind: "node", reason };
}

async function whyNotUws(options: ListenerOptions): Promise<string | undefined> {
  if (options.expectsProxyHeader === true) {
    return "it takes a PROXY header before each request, so a client could send one of its own";
  }
  const { loadUws } = await import("./uws/load.ts");
  try {
    loadUws();
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}
