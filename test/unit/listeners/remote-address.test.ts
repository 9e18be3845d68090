import { expect, test } from "vitest";
import { normalizeAddress } from "../../../src/listeners/remote-address.ts";

test.each([
  ["127.0.0.1", "127.0.0.1"],
  ["0000:0000:0000:0000:0000:ffff:7f00:0001", "127.0.0.1"],
  ["::ffff:10.1.2.3", "10.1.2.3"],
  ["0000:0000:0000:0000:0000:0000:0000:0001", "::1"],
  ["::1", "::1"],
  ["2001:0DB8:0000:0000:0000:0000:0000:00ff", "2001:db8::ff"],
  ["fe80::1%eth0", "fe80::1"],
  ["", ""],
])("%s is %s", (text, address) => {
  expect(normalizeAddress(text)).toBe(address);
});
