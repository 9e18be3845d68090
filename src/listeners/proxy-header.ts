import { isIPv4, isIPv6 } from "node:net";
import { normalizeAddress } from "./client-address.ts";

/**
 * The header of the PROXY protocol, versions 1 and 2, with which a proxy tells whose connection it passes on
 * (https://www.haproxy.org/download/3.0/doc/proxy-protocol.txt).
 */
export type ProxyHeader =
  /** All right so far, but not all there. */
  | { readonly kind: "partial" }
  | { readonly kind: "invalid"; readonly reason: string }
  | {
      readonly kind: "header";
      /** What follows after so many bytes is the client's. */
      readonly lengthBytes: number;
      /** Undefined: the proxy speaks for itself (a health check), or does not know. */
      readonly sourceAddress: string | undefined;
    };

/** A version 1 header is at most so long (section 2.1). */
const MAX_TEXT_BYTES = 107;
const TEXT_START = Buffer.from("PROXY ");
const BINARY_START = Buffer.from("\r\n\r\n\0\r\nQUIT\n", "latin1");
const BINARY_FIXED_BYTES = 16;
/** Of version 2 with its extensions, which are passed over. */
const MAX_EXTRA_BYTES = 2048;
const IPV4_EXTRA_BYTES = 12;
const IPV6_EXTRA_BYTES = 36;

const PARTIAL: ProxyHeader = { kind: "partial" };

/** Reads the header at the start of what has come of a connection so far. Never throws. */
export function parseProxyHeader(bytes: Uint8Array): ProxyHeader {
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (startsLike(buffer, BINARY_START)) return parseBinary(buffer);
  if (startsLike(buffer, TEXT_START)) return parseText(buffer);
  return invalid("no PROXY header");
}

/** Whether what is there of `start` agrees with it. */
function startsLike(buffer: Buffer, start: Buffer): boolean {
  const length = Math.min(buffer.length, start.length);
  return buffer.subarray(0, length).equals(start.subarray(0, length));
}

function parseText(buffer: Buffer): ProxyHeader {
  const end = buffer.subarray(0, MAX_TEXT_BYTES).indexOf("\r\n");
  if (end < 0) return buffer.length < MAX_TEXT_BYTES ? PARTIAL : invalid("the line does not end");
  const lengthBytes = end + 2;
  const [, family, source = "", destination = "", ...ports] = buffer.toString("latin1", 0, end).split(" ");
  if (family === "UNKNOWN") return { kind: "header", lengthBytes, sourceAddress: undefined };
  const isAddress = family === "TCP4" ? isIPv4 : family === "TCP6" ? isIPv6 : () => false;
  const isWhole =
    isAddress(source) && isAddress(destination) && ports.length === 2 && ports.every(isPortNumber);
  if (!isWhole) return invalid("the line is not of version 1");
  return { kind: "header", lengthBytes, sourceAddress: normalizeAddress(source) };
}

function isPortNumber(text: string): boolean {
  return /^(0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535;
}

function parseBinary(buffer: Buffer): ProxyHeader {
  if (buffer.length < BINARY_FIXED_BYTES) return PARTIAL;
  const version = buffer.readUInt8(12) >> 4;
  const command = buffer.readUInt8(12) & 0x0f;
  const family = buffer.readUInt8(13);
  const extraBytes = buffer.readUInt16BE(14);
  if (version !== 2 || command > 1) return invalid("neither LOCAL nor PROXY of version 2");
  if (extraBytes > MAX_EXTRA_BYTES) return invalid(`longer than ${MAX_EXTRA_BYTES} bytes`);
  const lengthBytes = BINARY_FIXED_BYTES + extraBytes;
  if (buffer.length < lengthBytes) return PARTIAL;
  // LOCAL, and families without an address that says who it is.
  if (command === 0 || family === 0x00 || family === 0x31)
    return { kind: "header", lengthBytes, sourceAddress: undefined };
  const extra = buffer.subarray(BINARY_FIXED_BYTES, lengthBytes);
  if (family === 0x11 && extraBytes >= IPV4_EXTRA_BYTES)
    return { kind: "header", lengthBytes, sourceAddress: extra.subarray(0, 4).join(".") };
  if (family === 0x21 && extraBytes >= IPV6_EXTRA_BYTES)
    return { kind: "header", lengthBytes, sourceAddress: normalizeAddress(ipv6Text(extra.subarray(0, 16))) };
  return invalid("no addresses of TCP");
}

function ipv6Text(bytes: Buffer): string {
  const groups = Array.from({ length: 8 }, (_, at) =>
    bytes
      .readUInt16BE(at * 2)
      .toString(16)
      .padStart(4, "0"),
  );
  return groups.join(":");
}

function invalid(reason: string): ProxyHeader {
  return { kind: "invalid", reason };
}
