import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  type Address,
  isHubId,
  isId,
  isReservedId,
  MAX_ID_LENGTH,
  parseAddress,
} from "../../../src/model/address.ts";
import { MeshError } from "../../../src/model/errors.ts";

const HERE = "hub.test";
const inner = fc.constantFrom(..."abcxyz019-");
const edge = fc.constantFrom(..."abcxyz019");
const id = fc
  .tuple(edge, fc.array(inner, { maxLength: 61 }), fc.option(edge))
  .map(([first, middle, last]) => (last === null ? first : `${first}${middle.join("")}${last}`));
const hub = fc
  .tuple(fc.array(id, { minLength: 1, maxLength: 3 }), fc.option(fc.integer({ min: 0, max: 65_535 })))
  .map(([labels, port]) => `${labels.join(".")}${port === null ? "" : `:${port}`}`);

function printed(address: Address): string {
  if (address.kind === "channel") return `#${address.channelId}`;
  return address.kind === "agent" ? address.agentId : `${address.agentId}@${address.hubId}`;
}

describe("an address", () => {
  test("is printed as it was read", () => {
    const address = fc.oneof(
      id,
      id.map((one) => `#${one}`),
      fc.tuple(id, hub).map((parts) => parts.join("@")),
    );
    fc.assert(
      fc.property(address, (text) => {
        expect(printed(parseAddress(text, HERE))).toBe(text);
      }),
    );
  });

  test("at this hub is a local agent", () => {
    expect(parseAddress(`bob@${HERE}`, HERE)).toEqual({ kind: "agent", agentId: "bob" });
    expect(parseAddress(`bob@x.${HERE}`, HERE)).toMatchObject({ kind: "remote" });
  });

  test.each([
    "",
    "#",
    "@",
    "bob@",
    "@hub",
    "Bob",
    "-bob",
    "bob-",
    "b_b",
    "b b",
    " bob",
    "bob\n",
    "bob\u0000",
    "bób",
    "bob@Hub",
    "bob@hub.",
    "bob@.hub",
    "bob@-hub",
    "bob@hub:port",
    "bob@hub:123456",
    "bob@hub@hub",
    "##team",
    "#team@hub",
    "#Team",
    "../bob",
    "bob/alice",
    "a".repeat(MAX_ID_LENGTH + 1),
    `#${"a".repeat(MAX_ID_LENGTH + 1)}`,
    `bob@${"a".repeat(256)}`,
  ])("%j is none", (text) => expect(() => parseAddress(text, HERE)).toThrow(MeshError));

  test("garbage is read or refused, and names only what the rules allow", () => {
    const garbage = fc.oneof(
      fc.string({ maxLength: 80 }),
      fc.string({ unit: "binary", maxLength: 80 }),
      fc.string({ unit: fc.constantFrom(..."ab-.:@#/ \n"), maxLength: 300 }),
    );
    fc.assert(
      fc.property(garbage, (text) => {
        let address: Address;
        try {
          address = parseAddress(text, HERE);
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: "MeshError", code: "invalid_argument" });
          return;
        }
        expect(isId(address.kind === "channel" ? address.channelId : address.agentId)).toBe(true);
        if (address.kind === "remote") expect(isHubId(address.hubId)).toBe(true);
      }),
      { numRuns: 3000 },
    );
  });

  test("long near misses are refused in no time", () => {
    for (const text of [`${"a-".repeat(500_000)}!`, `b@${"a.".repeat(120)}!`, `b@${"a-".repeat(120)}!`])
      expect(() => parseAddress(text, HERE)).toThrow(MeshError);
  });
});

test("ids of the hub's own voice are reserved", () => {
  for (const reserved of ["hub", "admin", "system"]) expect(isReservedId(reserved)).toBe(true);
  expect(isReservedId("hub1")).toBe(false);
});
