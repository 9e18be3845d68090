import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { clientAddress, normalizeAddress } from "../../../src/listeners/client-address.ts";
import { ipFromText, ipSetFromTexts } from "../../../src/model/ip-address.ts";

const isTrusted = ipSetFromTexts(["10.0.0.0/8", "fd00::/8"]).has;

describe("clientAddress", () => {
  it.each([
    ["one proxy", "10.0.0.1", "192.0.2.7", "192.0.2.7"],
    ["an untrusted peer's word is not heard", "192.0.2.1", "192.0.2.7", "192.0.2.1"],
    ["the rightmost that is no proxy", "10.0.0.1", "1.1.1.1, 192.0.2.7, 10.0.0.2", "192.0.2.7"],
    ["what a client put before its own address", "10.0.0.1", "10.0.0.9, 127.0.0.1, 192.0.2.7", "192.0.2.7"],
    ["only proxies: the farthest", "10.0.0.1", "10.0.0.3, 10.0.0.2", "10.0.0.3"],
    ["empty elements", "10.0.0.1", " ,192.0.2.7,, ", "192.0.2.7"],
    ["nothing", "10.0.0.1", "", "10.0.0.1"],
    ["IPv4 with a port", "10.0.0.1", "192.0.2.7:4711", "192.0.2.7"],
    ["IPv6", "10.0.0.1", "2001:DB8::7", "2001:db8::7"],
    ["IPv6 in brackets", "10.0.0.1", "[2001:db8::7]", "2001:db8::7"],
    ["IPv6 in brackets with a port", "10.0.0.1", "[2001:db8::7]:4711", "2001:db8::7"],
    ["IPv6 in quotes", "10.0.0.1", '"[2001:db8::7]:4711"', "2001:db8::7"],
    ["IPv4 as IPv6", "::ffff:10.0.0.1", "::ffff:192.0.2.7", "192.0.2.7"],
    ["an IPv6 proxy", "fd00::1", "192.0.2.7", "192.0.2.7"],
    ["garbage: the proxy that passed it on", "10.0.0.1", "192.0.2.7, unknown", "10.0.0.1"],
    ["garbage behind a second proxy", "10.0.0.1", "192.0.2.7, _hidden, 10.0.0.2", "10.0.0.2"],
    ["a port without an address", "10.0.0.1", ":80", "10.0.0.1"],
    ["an octal address", "10.0.0.1", "0300.0.2.7", "10.0.0.1"],
  ])("X-Forwarded-For, %s", (_what, peer, forwardedFor, client) => {
    expect(clientAddress({ peer, forwardedFor }, isTrusted)).toBe(client);
  });

  it.each([
    ["of a proxy", { peer: "10.0.0.1", proxied: "192.0.2.7" }, "192.0.2.7"],
    ["of somebody else", { peer: "192.0.2.1", proxied: "192.0.2.7" }, "192.0.2.1"],
    [
      "ends the chain: the client's own header is not heard",
      { peer: "10.0.0.1", proxied: "192.0.2.7", forwardedFor: "6.6.6.6" },
      "192.0.2.7",
    ],
    [
      "of a proxy behind a proxy",
      { peer: "10.0.0.1", proxied: "10.0.0.2", forwardedFor: "192.0.2.7" },
      "192.0.2.7",
    ],
    ["that is garbage", { peer: "10.0.0.1", proxied: "here" }, "10.0.0.1"],
  ])("a PROXY header %s", (_what, clues, client) => {
    expect(clientAddress(clues, isTrusted)).toBe(client);
  });

  it("hears nobody when nobody is trusted", () => {
    const clues = { peer: "10.0.0.1", proxied: "192.0.2.7", forwardedFor: "192.0.2.8" };
    expect(clientAddress(clues, undefined)).toBe("10.0.0.1");
  });

  const anything = fc.oneof(
    fc.string({ unit: "binary" }),
    fc
      .array(fc.oneof(fc.ipV4(), fc.ipV6(), fc.constantFrom("10.0.0.1", "unknown", "")), { maxLength: 8 })
      .map(String),
  );
  const stranger = fc.oneof(fc.ipV4(), fc.ipV6()).filter((address) => !isTrusted(address));

  it("cannot be told another address by a client, whatever it sends", () => {
    fc.assert(
      fc.property(
        stranger,
        anything,
        fc.option(anything, { nil: undefined }),
        (peer, forwardedFor, proxied) => {
          const own = normalizeAddress(peer);
          expect(clientAddress({ peer, forwardedFor, proxied }, isTrusted)).toBe(own);
          // The same client behind two proxies, which add what they see at the end.
          const through = { peer: "10.0.0.1", forwardedFor: `${forwardedFor}, ${peer}, 10.0.0.2` };
          expect(clientAddress(through, isTrusted)).toBe(own);
        },
      ),
      { numRuns: 1000 },
    );
  });

  it("gives an address always", () => {
    fc.assert(
      fc.property(anything, anything, (proxied, forwardedFor) => {
        const client = clientAddress({ peer: "10.0.0.1", proxied, forwardedFor }, isTrusted);
        expect(ipFromText(client)).toBe(client);
      }),
      { numRuns: 1000 },
    );
  });
});

describe("normalizeAddress", () => {
  it("leaves alone what is no address", () => {
    expect(["", "pipe", "a:b"].map(normalizeAddress)).toEqual(["", "pipe", "a:b"]);
  });
});
