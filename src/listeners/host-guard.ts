import type { HttpHandler, HttpResponse, SocketHandler } from "../ports/listener.ts";

/**
 * Keeps web pages from a hub that listens on this machine alone. A page can have the name of its own site point to
 * 127.0.0.1 after it was loaded; the browser then takes the hub for that site and asks no CORS question (DNS
 * rebinding). What gives it away is the Host header: a name in the public DNS that is none of the hub's. Addresses,
 * names without a dot and names that are reserved for private use cannot be had by a page.
 */
export interface HostGuard {
  http(handler: HttpHandler): HttpHandler;
  socket(handler: SocketHandler): SocketHandler;
}

const ADDRESS = /^(?:\d{1,3}(?:\.\d{1,3}){3}|\[[\da-f:.]+\])$/;
/** RFC 6761, and "internal", which ICANN keeps out of the public DNS. */
const PRIVATE_NAME = /\.(?:localhost|test|internal)$/;

/** @param ownNames hosts that the hub goes by, without a port */
export function createHostGuard(ownNames: readonly string[]): HostGuard {
  const own = new Set(ownNames.map((name) => name.toLowerCase()));
  const isForeign = (headers: ReadonlyMap<string, string>): boolean => {
    const host = (headers.get("host") ?? "").toLowerCase().replace(/:\d*$/, "").replace(/\.$/, "");
    return host.includes(".") && !ADDRESS.test(host) && !PRIVATE_NAME.test(host) && !own.has(host);
  };
  return {
    http: (handler) => async (request) => (isForeign(request.headers) ? FOREIGN_HOST : handler(request)),
    socket: (handler) => (upgrade) =>
      isForeign(upgrade.headers) ? { kind: "refuse", response: FOREIGN_HOST } : handler(upgrade),
  };
}

const FOREIGN_HOST: HttpResponse = {
  status: 421,
  headers: { "content-type": "application/json" },
  body: JSON.stringify({
    error: {
      code: "permission_denied",
      message: "the hub listens on this machine alone and does not go by this host name",
      hint: "if it is reached by this name through a proxy, set MESHKORE_PUBLIC_URL to its address there",
    },
  }),
};
