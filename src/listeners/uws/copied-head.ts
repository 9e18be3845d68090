import type { ListenerOptions } from "../../ports/listener.ts";
import { clientAddress } from "../client-address.ts";
import type { HttpRequest, HttpResponse } from "./uws.d.ts";

/** What is known of a request before its body. */
export interface CopiedHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly remoteAddress: string;
}

const latin1 = new TextDecoder("latin1");

/** Copies all that will be asked for: the native request is gone when the native handler returns. */
export function copyHead(
  response: HttpResponse,
  request: HttpRequest,
  isTrustedProxy: ListenerOptions["isTrustedProxy"],
): CopiedHead {
  const headers = new Map<string, string>();
  request.forEach((name, value) => {
    const before = headers.get(name);
    headers.set(name, before === undefined ? value : `${before}, ${value}`);
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

const LENGTH = /^\d{1,15}$/;

/**
 * The length of the body, 0 when there is none; undefined when it comes in chunks; "unclear" when two parsers could see
 * different ends of this body, which is how requests are smuggled past proxies.
 */
export function declaredLength(headers: ReadonlyMap<string, string>): number | undefined | "unclear" {
  const length = headers.get("content-length");
  const coding = headers.get("transfer-encoding");
  if (coding !== undefined) {
    return length === undefined && coding.toLowerCase() === "chunked" ? undefined : "unclear";
  }
  if (length === undefined) return 0;
  return LENGTH.test(length) ? Number(length) : "unclear";
}
