import ipaddr from "ipaddr.js";

/**
 * One spelling for each IP address, so that it can be a key: IPv4 also when it is written as IPv6 (`::ffff:10.0.0.1`),
 * IPv6 in its short form of RFC 5952 and without a zone. Undefined when the text is no address; IPv4 in any form but
 * four decimal numbers is none, since programs disagree on what `010.1` means.
 */
export function ipFromText(text: string): string | undefined {
  const address = parsed(text);
  if (address === undefined) return undefined;
  if (address instanceof ipaddr.IPv4) return address.toString();
  // A zone means something on one machine only: it is left behind.
  return new ipaddr.IPv6(address.parts).toRFC5952String();
}

/** A set of addresses and networks. */
export interface IpSet {
  /** False for a text that is no address. */
  has(address: string): boolean;
}

/**
 * The set of these addresses and CIDRs ("10.0.0.7", "10.0.0.0/8", "fd00::/8").
 * @throws RangeError naming the first entry that is neither
 */
export function ipSetFromTexts(entries: readonly string[]): IpSet {
  const networks = entries.map(networkFromText);
  return {
    has(text) {
      const address = parsed(text);
      return (
        address !== undefined &&
        networks.some(([base, bits]) => base.kind() === address.kind() && address.match(base, bits))
      );
    },
  };
}

type Ip = ipaddr.IPv4 | ipaddr.IPv6;

const MAPPED_BITS = 96;
const PREFIX = /^(?:0|[1-9]\d{0,2})$/;

function networkFromText(entry: string): readonly [base: Ip, bits: number] {
  const [text = "", prefix, ...rest] = entry.split("/");
  const address = parsed(text);
  const isMapped = address?.kind() === "ipv4" && text.includes(":");
  const most = address?.kind() === "ipv4" ? 32 : 128;
  let bits = most;
  if (prefix !== undefined) bits = PREFIX.test(prefix) ? Number(prefix) - (isMapped ? MAPPED_BITS : 0) : -1;
  if (address !== undefined && rest.length === 0 && bits >= 0 && bits <= most) return [address, bits];
  throw new RangeError(`"${entry}" is neither an address nor a CIDR such as 10.0.0.0/8 or fd00::/8`);
}

function parsed(text: string): Ip | undefined {
  if (!text.includes(":")) {
    return ipaddr.IPv4.isValidFourPartDecimal(text) ? ipaddr.IPv4.parse(text) : undefined;
  }
  if (!ipaddr.IPv6.isValid(text)) return undefined;
  const address = ipaddr.IPv6.parse(text);
  return address.isIPv4MappedAddress() ? address.toIPv4Address() : address;
}

const GLOBAL_UNICAST: readonly [ipaddr.IPv6, number] = [ipaddr.IPv6.parse("2000::"), 3];
const NAT64: readonly [ipaddr.IPv6, number] = [ipaddr.IPv6.parse("64:ff9b::"), 96];

/**
 * Whether the address is one of the public internet: not private, loopback, link-local (where clouds keep their
 * metadata), shared by carriers, multicast or reserved. Addresses that wrap an IPv4 one are what that one is, if they
 * are routed at all: 6to4 and Teredo are not. False for a text that is no address.
 */
export function isPublicIp(text: string): boolean {
  const address = parsed(text);
  if (address === undefined) return false;
  if (address instanceof ipaddr.IPv4) return address.range() === "unicast";
  if (address.match(...NAT64)) {
    return new ipaddr.IPv4(address.toByteArray().slice(12)).range() === "unicast";
  }
  return address.match(...GLOBAL_UNICAST) && address.range() === "unicast";
}
