import { isIP } from "node:net";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { ipFromText, ipSetFromTexts } from "../../../src/model/ip-address.ts";

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
