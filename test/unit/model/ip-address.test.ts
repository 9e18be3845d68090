import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ipFromText, ipSetFromTexts, isPublicIp } from "../../../src/model/ip-address.ts";

describe("ipFromText", () => {
  it.each([
    ["127.0.0.1", "127.0.0.1"],
    ["0000:0000:0000:0000:0000:ffff:7f00:0001", "127.0.0.1"],
    ["::ffff:10.1.2.3", "10.1.2.3"],
    ["::FFFF:0a01:0203", "10.1.2.3"],
    ["0000:0000:0000:0000:0000:0000:0000:0001", "::1"],
    ["2001:0DB8:0000:0000:0000:0000:0000:00ff", "2001:db8::ff"],
    ["fe80::1%eth0", "fe80::1"],
  ])("%s is %s", (text, address) => {
    expect(ipFromText(text)).toBe(address);
  });

  it.each([
    "",
    "1",
    "010.0.0.1",
    "0x7f.1",
    "127.1",
    "1.2.3.256",
    "1.2.3.4 ",
    "::ffff:1.2.3",
    "host",
    "1.2.3.4:80",
  ])("%j is no address", (text) => {
    expect(ipFromText(text)).toBeUndefined();
  });

  it("gives what Node takes for the same address, and gives it again for its own answer", () => {
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
        const address = ipFromText(text);
        expect(isIP(address ?? "")).not.toBe(0);
        expect(ipFromText(address ?? "")).toBe(address);
      }),
    );
  });

  it("takes nothing that Node does not take for an address", () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom(..."0123456789abcfx.:%/[] ") }), (text) => {
        if (ipFromText(text) !== undefined) expect(isIP(text)).not.toBe(0);
      }),
      { numRuns: 2000 },
    );
  });
});

describe("ipSetFromTexts", () => {
  it.each([
    ["10.0.0.0/8", "10.255.0.1", true],
    ["10.0.0.0/8", "::ffff:10.255.0.1", true],
    ["10.0.0.0/8", "11.0.0.1", false],
    ["10.0.0.7", "10.0.0.7", true],
    ["10.0.0.7", "10.0.0.8", false],
    ["::ffff:10.0.0.0/104", "10.1.1.1", true],
    ["fd00::/8", "fdff::1", true],
    ["fd00::/8", "10.0.0.1", false],
    ["::/0", "10.0.0.1", false],
    ["0.0.0.0/0", "10.0.0.1", true],
    ["::1", "0:0:0:0:0:0:0:1", true],
    ["127.0.0.1", "host", false],
    ["127.0.0.1", "", false],
  ])("%s and %s: %s", (entry, address, isIn) => {
    expect(ipSetFromTexts(["192.0.2.1", entry]).has(address)).toBe(isIn);
  });

  it.each([
    "10.0.0.0/33",
    "10.0.0.0/-1",
    "10.0.0.0/08",
    "10.0.0.0/",
    "10/8",
    "::/129",
    "::ffff:10.0.0.0/8",
    "proxy",
    "1.1.1.1/8/8",
  ])("refuses %s by name", (entry) => {
    expect(() => ipSetFromTexts(["127.0.0.1", entry])).toThrow(`"${entry}" is neither`);
  });

  it("has an IPv4 address exactly when the leading bits are equal", () => {
    const bits = (address: string) =>
      address.split(".").reduce((text, part) => text + Number(part).toString(2).padStart(8, "0"), "");
    fc.assert(
      fc.property(fc.ipV4(), fc.ipV4(), fc.nat(32), (base, address, length) => {
        const isEqual = bits(base).slice(0, length) === bits(address).slice(0, length);
        expect(ipSetFromTexts([`${base}/${length}`]).has(address)).toBe(isEqual);
      }),
    );
  });
});

describe("isPublicIp", () => {
  it.each(["8.8.8.8", "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2606:4700::1111", "2a00:1450:4001::1"])(
    "%s is public",
    (text) => {
      expect(isPublicIp(text)).toBe(true);
    },
  );

  it.each([
    ["private", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "fd00::1", "fc00::1"],
    ["loopback", "127.0.0.1", "127.255.255.254", "::1", "::ffff:127.0.0.1", "::127.0.0.1"],
    [
      "link-local, metadata of clouds",
      "169.254.169.254",
      "fe80::1",
      "::ffff:169.254.169.254",
      "fd00:ec2::254",
    ],
    ["shared by carriers", "100.64.0.1", "100.100.100.200", "100.127.255.255"],
    ["unspecified", "0.0.0.0", "0.1.2.3", "::", "::ffff:0.0.0.0"],
    ["multicast and broadcast", "224.0.0.1", "239.255.255.255", "255.255.255.255", "ff02::1"],
    [
      "reserved",
      "192.0.2.1",
      "198.18.0.1",
      "198.51.100.7",
      "203.0.113.9",
      "240.0.0.1",
      "2001:db8::1",
      "fec0::1",
    ],
    ["wrapped IPv4", "64:ff9b::10.0.0.1", "64:ff9b::127.0.0.1", "64:ff9b:1::8.8.8.8", "2002:0808:0808::1"],
    ["tunnels", "2001:0:4136:e378::1", "::ffff:0:8.8.8.8", "5f00::1", "4000::1", "100::1"],
    ["no address", "", "localhost", "127.1", "0x7f000001", "2130706433", "8.8.8.8/32"],
  ])("none of what is %s", (_what, ...texts) => {
    for (const text of texts) expect(isPublicIp(text), text).toBe(false);
  });

  it("says the same of an IPv4 address however it is written or wrapped", () => {
    fc.assert(
      fc.property(fc.ipV4(), (text) => {
        const isPublic = isPublicIp(text);
        expect(isPublicIp(`::ffff:${text}`)).toBe(isPublic);
        expect(isPublicIp(`64:ff9b::${text}`)).toBe(isPublic);
        if (!isPublic) expect(isPublicIp(`::${text}`)).toBe(false);
      }),
    );
  });

  it("finds nothing public within the networks that are not", () => {
    const octet = fc.nat(255);
    const inside = fc.oneof(
      fc.tuple(fc.constantFrom("10", "127", "0", "224", "240"), octet, octet, octet),
      fc.tuple(fc.constantFrom("192.168", "169.254", "198.18", "198.19"), octet, octet),
      fc.tuple(fc.constant("172"), fc.integer({ min: 16, max: 31 }), octet, octet),
      fc.tuple(fc.constant("100"), fc.integer({ min: 64, max: 127 }), octet, octet),
    );
    fc.assert(
      fc.property(inside, (parts) => {
        expect(isPublicIp(parts.join("."))).toBe(false);
      }),
    );
  });

  it("finds nothing public outside 2000::/3, but wrapped IPv4", () => {
    fc.assert(
      fc.property(fc.ipV6(), (text) => {
        const [network] = (ipFromText(text) ?? "").split(":");
        const first = Number.parseInt(network === "" ? "0" : (network ?? ""), 16);
        if (isPublicIp(text) && (first < 0x2000 || first > 0x3fff)) {
          expect(ipFromText(text)).toMatch(/^(64:ff9b::|\d+\.)/);
        }
      }),
      { numRuns: 1000 },
    );
  });
});
