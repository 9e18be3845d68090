import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { parseProxyHeader } from "../../../src/listeners/proxy-header.ts";

const SIGNATURE = [0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a];

const text = (line: string) => Buffer.from(`${line}\r\n`, "latin1");

function binary(command: number, family: number, extra: readonly number[]): Buffer {
  return Buffer.from([...SIGNATURE, command, family, extra.length >> 8, extra.length & 255, ...extra]);
}

/** 192.0.2.7:5000 to 10.0.0.1:7401. */
const IPV4 = [192, 0, 2, 7, 10, 0, 0, 1, 0x13, 0x88, 0x1c, 0xe9];
const IPV6 = [0x20, 1, 0x0d, 0xb8, ...Array(11).fill(0), 9, ...Array(16).fill(1), 0, 1, 0, 2];
const TLV = [0x04, 0, 3, 1, 2, 3];

const VALID: readonly (readonly [name: string, header: Buffer, source: string | undefined])[] = [
  ["TCP4", text("PROXY TCP4 192.0.2.7 10.0.0.1 5000 7401"), "192.0.2.7"],
  ["TCP6", text("PROXY TCP6 2001:DB8:0:0::9 ::1 5000 7401"), "2001:db8::9"],
  ["TCP6 with a mapped address", text("PROXY TCP6 ::ffff:192.0.2.7 ::1 5000 7401"), "192.0.2.7"],
  ["UNKNOWN", text("PROXY UNKNOWN"), undefined],
  ["UNKNOWN with anything", text("PROXY UNKNOWN ffff::1 what ever 0"), undefined],
  ["PROXY over IPv4", binary(0x21, 0x11, IPV4), "192.0.2.7"],
  ["PROXY over IPv4 with extensions", binary(0x21, 0x11, [...IPV4, ...TLV]), "192.0.2.7"],
  ["PROXY over IPv6", binary(0x21, 0x21, IPV6), "2001:db8::9"],
  ["PROXY over a Unix socket", binary(0x21, 0x31, Array(216).fill(65)), undefined],
  ["PROXY of an unknown family", binary(0x21, 0x00, []), undefined],
  ["LOCAL", binary(0x20, 0x00, []), undefined],
  ["LOCAL that names an address all the same", binary(0x20, 0x11, IPV4), undefined],
];

describe.each(VALID)("%s", (_name, header, sourceAddress) => {
  test("is read, whatever follows", () => {
    const whole = { kind: "header", lengthBytes: header.length, sourceAddress };
    expect(parseProxyHeader(header)).toEqual(whole);
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 64 }), (rest) => {
        expect(parseProxyHeader(Buffer.concat([header, rest]))).toEqual(whole);
      }),
    );
  });

  test("cut anywhere is partial", () => {
    for (let length = 0; length < header.length; length++) {
      expect(parseProxyHeader(header.subarray(0, length))).toEqual({ kind: "partial" });
    }
  });
});

test.each([
  ["an HTTP/2 preface", Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")],
  ["a TLS hello", Buffer.from([0x16, 3, 1, 2, 0])],
  ["lower case", text("proxy TCP4 192.0.2.7 10.0.0.1 5000 7401")],
  ["a line without an end", Buffer.from(`PROXY UNKNOWN ${"x".repeat(200)}`)],
  ["a line that is too long", text(`PROXY UNKNOWN ${"x".repeat(200)}`)],
  ["an unknown family", text("PROXY UDP4 192.0.2.7 10.0.0.1 5000 7401")],
  ["an address of the other family", text("PROXY TCP4 ::1 10.0.0.1 5000 7401")],
  ["no address", text("PROXY TCP4 192.0.2.256 10.0.0.1 5000 7401")],
  ["no port", text("PROXY TCP4 192.0.2.7 10.0.0.1 5000")],
  ["a port out of range", text("PROXY TCP4 192.0.2.7 10.0.0.1 5000 65536")],
  ["a port with leading zeros", text("PROXY TCP4 192.0.2.7 10.0.0.1 05000 7401")],
  ["more words", text("PROXY TCP4 192.0.2.7 10.0.0.1 5000 7401 1")],
  ["two blanks", text("PROXY TCP4  192.0.2.7 10.0.0.1 5000 7401")],
  ["version 1 in binary", binary(0x11, 0x11, IPV4)],
  ["an unknown command", binary(0x22, 0x11, IPV4)],
  ["UDP", binary(0x21, 0x12, IPV4)],
  ["an IPv4 that is too short", binary(0x21, 0x11, IPV4.slice(1))],
  ["an IPv6 that is too short", binary(0x21, 0x21, IPV6.slice(1))],
  ["more than anybody sends", binary(0x21, 0x11, Array(2049).fill(0))],
])("%s is invalid", (_name, bytes) => {
  expect(parseProxyHeader(bytes)).toMatchObject({ kind: "invalid", reason: expect.any(String) });
});

test("anything is answered without a throw, and never read beyond the end", () => {
  const start = fc.constantFrom(Buffer.alloc(0), Buffer.from("PROXY TCP4 "), Buffer.from(SIGNATURE));
  fc.assert(
    fc.property(start, fc.uint8Array({ maxLength: 300 }), (head, tail) => {
      const bytes = Buffer.concat([head, tail]);
      const parsed = parseProxyHeader(bytes);
      if (parsed.kind === "header") expect(parsed.lengthBytes).toBeLessThanOrEqual(bytes.length);
      if (parsed.kind === "partial") expect(bytes.length).toBeLessThan(16 + 2048);
    }),
    { numRuns: 2000 },
  );
});

test("every pair of addresses comes through in both versions", () => {
  fc.assert(
    fc.property(fc.ipV4(), fc.nat(65_535), (address, port) => {
      const bytes = address.split(".").map(Number);
      const line = parseProxyHeader(text(`PROXY TCP4 ${address} 10.0.0.1 ${port} 7401`));
      const frame = parseProxyHeader(
        binary(0x21, 0x11, [...bytes, 10, 0, 0, 1, port >> 8, port & 255, 0, 1]),
      );
      expect(line).toMatchObject({ kind: "header", sourceAddress: address });
      expect(frame).toMatchObject({ kind: "header", sourceAddress: address });
    }),
  );
});
