const MAPPED_IPV4 = /^(?:0{0,4}:){5}ffff:([0-9a-f]{4}):([0-9a-f]{4})$/;

/**
 * One spelling for each address, so that it can be a key: IPv4 also when it came over an IPv6 socket, IPv6 in its
 * short form.
 */
export function normalizeAddress(text: string): string {
  if (!text.includes(":")) return text;
  const lower = text.toLowerCase();
  const mapped = MAPPED_IPV4.exec(lower);
  const [, high, low] = mapped ?? [];
  if (high !== undefined && low !== undefined) return ipv4FromHex(high + low);
  if (lower.startsWith("::ffff:") && lower.includes(".")) return lower.slice("::ffff:".length);
  const url = `http://[${lower.replace(/%.*$/, "")}]`;
  return URL.canParse(url) ? new URL(url).hostname.slice(1, -1) : lower;
}

function ipv4FromHex(hex: string): string {
  return [0, 2, 4, 6].map((at) => Number.parseInt(hex.slice(at, at + 2), 16)).join(".");
}
