import type { IncomingMessage } from "node:http";
import type { ListenerOptions } from "../../ports/listener.ts";
import { clientAddress } from "../client-address.ts";
import { addHeader, type RequestHead } from "../request-head.ts";

/** Reads what will be asked for. `proxied` is what a PROXY header of this connection told. */
export function headFromMessage(
  request: IncomingMessage,
  proxied: string | undefined,
  isTrustedProxy: ListenerOptions["isTrustedProxy"],
): RequestHead {
  const headers = headersFromRaw(request.rawHeaders);
  const url = request.url ?? "";
  const mark = url.indexOf("?");
  const peer = request.socket.remoteAddress ?? "";
  return {
    method: (request.method ?? "").toUpperCase(),
    path: mark === -1 ? url : url.slice(0, mark),
    query: mark === -1 ? "" : url.slice(mark + 1),
    headers,
    remoteAddress: clientAddress(
      { peer, proxied, forwardedFor: headers.get("x-forwarded-for") },
      isTrustedProxy,
    ),
  };
}

/** From the raw ones, because `request.headers` drops some that are repeated. */
function headersFromRaw(raw: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (let at = 0; at + 1 < raw.length; at += 2) {
    addHeader(headers, (raw[at] ?? "").toLowerCase(), raw[at + 1] ?? "");
  }
  return headers;
}
