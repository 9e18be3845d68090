import type { ListenerOptions } from "../../ports/listener.ts";
import { clientAddress } from "../client-address.ts";
import { addHeader, type RequestHead } from "../request-head.ts";
import type { HttpRequest, HttpResponse } from "./uws.d.ts";

const latin1 = new TextDecoder("latin1");

/** Copies all that will be asked for: the native request is gone when the native handler returns. */
export function copyHead(
  response: HttpResponse,
  request: HttpRequest,
  isTrustedProxy: ListenerOptions["isTrustedProxy"],
): RequestHead {
  const headers = new Map<string, string>();
  request.forEach((name, value) => {
    addHeader(headers, name, value);
  });
  const peer = latin1.decode(response.getRemoteAddressAsText());
  return {
    method: request.getCaseSensitiveMethod().toUpperCase(),
    path: request.getUrl(),
    query: request.getQuery() ?? "",
    headers,
    remoteAddress: clientAddress({ peer, forwardedFor: headers.get("x-forwarded-for") }, isTrustedProxy),
  };
}
