import { ipFromText } from "../model/ip-address.ts";

/** What is known of where a request comes from. */
export interface AddressClues {
  /** The other end of the connection, as the system tells it. */
  readonly peer: string;
  /** What a PROXY protocol header at the start of the connection says. */
  readonly proxied?: string | undefined;
  /** The X-Forwarded-For header, several joined by commas. */
  readonly forwardedFor?: string | undefined;
}

/**
 * The address of the client, normalized: what limits by address count. A proxy's word is taken only as far as
 * `isTrustedProxy` goes: the addresses are walked from the peer outwards, and the first one that is no trusted proxy is
 * the client, whatever stands beyond it. So a client can add to X-Forwarded-For what it likes and stays itself, unless
 * its own address counts as a trusted proxy. Where the chain ends in something that is no address, the last trusted
 * proxy stands for the client.
 */
export function clientAddress(
  { peer, proxied, forwardedFor }: AddressClues,
  isTrustedProxy: ((address: string) => boolean) | undefined,
): string {
  let client = normalizeAddress(peer);
  if (isTrustedProxy === undefined || (proxied === undefined && forwardedFor === undefined)) return client;
  if (!isTrustedProxy(client)) return client;
  if (proxied !== undefined) {
    client = ipFromText(proxied) ?? client;
    if (!isTrustedProxy(client)) return client;
  }
  for (const hop of hopsFromNearest(forwardedFor ?? "")) {
    const address = addressFromHop(hop);
    if (address === undefined) return client;
    client = address;
    if (!isTrustedProxy(client)) return client;
  }
  return client;
}

/** One spelling for each address, as `ipFromText`; what is no address stays as it is. */
export function normalizeAddress(text: string): string {
  // Most are IPv4 as the system writes it, and each request comes by here.
  return text.includes(":") ? (ipFromText(text) ?? text) : text;
}

/** Lazily, because all but the nearest few may be a client's own invention. */
function* hopsFromNearest(header: string): Generator<string> {
  let end = header.length;
  while (end >= 0) {
    const comma = end === 0 ? -1 : header.lastIndexOf(",", end - 1);
    const hop = header.slice(comma + 1, end).trim();
    // RFC 9110, section 5.6.1: empty elements of a list do not count.
    if (hop !== "") yield hop;
    end = comma;
  }
}

/** `[v6]`, `[v6]:port` or `v4:port`, which some proxies write, beside the plain address. */
const BRACKETED = /^\[([^[\]]*)\](?::\d{1,5})?$/;
const V4_WITH_PORT = /^([\d.]+):\d{1,5}$/;

function addressFromHop(hop: string): string | undefined {
  const text = hop.startsWith('"') && hop.endsWith('"') ? hop.slice(1, -1) : hop;
  return ipFromText(BRACKETED.exec(text)?.[1] ?? V4_WITH_PORT.exec(text)?.[1] ?? text);
}
