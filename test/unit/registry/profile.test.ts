import { describe, expect, it } from "vitest";
import { DEFAULT_PROFILE, type Profile, type ProfilePatch } from "../../../src/model/agent.ts";
import { profileFromJoin, profileFromPatch } from "../../../src/registry/profile.ts";

const FULL: Profile = {
  ...DEFAULT_PROFILE,
  name: "Legal translator",
  description: "Contracts",
  capabilities: ["translation"],
  languages: ["en"],
  languagePairs: ["en-de"],
  region: "EU",
  price: { amount: "0.05", currency: "USD", unit: "word" },
  turnaroundMin: 30,
  credentials: ["sworn"],
  extra: { team: "red", size: 3 },
};

describe("a profile patch", () => {
  it("sets what it names and leaves the rest", () => {
    expect(profileFromPatch(FULL, { status: "busy", description: undefined })).toEqual({
      ...FULL,
      status: "busy",
    });
    expect(profileFromPatch(DEFAULT_PROFILE, FULL)).toEqual(FULL);
    expect(profileFromPatch(FULL, {})).toEqual(FULL);
  });

  it("takes texts away by an empty text, and replaces lists", () => {
    const next = profileFromPatch(FULL, {
      name: "",
      region: "",
      capabilities: ["a", "b", "a"],
      languages: [],
    });
    expect(next).not.toHaveProperty("name");
    expect(next).not.toHaveProperty("region");
    expect(next).toMatchObject({ capabilities: ["a", "b"], languages: [], description: "Contracts" });
  });

  it("merges further fields by key, and null takes one away", () => {
    const next = profileFromPatch(FULL, { extra: { size: null, shift: [1], zero: 0, not: false } });
    expect(next.extra).toEqual({ team: "red", shift: [1], zero: 0, not: false });
    expect(profileFromPatch(FULL, { extra: { size: null, team: null } })).not.toHaveProperty("extra");
  });

  it("treats __proto__ as a name like any other", () => {
    const extra = JSON.parse('{"__proto__": {"polluted": 1}}');
    const next = profileFromPatch(FULL, { extra });
    expect(JSON.stringify(next.extra)).toContain('"__proto__":{"polluted":1}');
    expect(next.extra).not.toHaveProperty("polluted");
  });

  const tooMuch: readonly [string, ProfilePatch][] = [
    ["name", { name: "x".repeat(129) }],
    ["description", { description: "x".repeat(4_097) }],
    ["region", { region: "x".repeat(65) }],
    ["capabilities", { capabilities: Array.from({ length: 65 }, (_, index) => `c${index}`) }],
    ["capabilities", { capabilities: ["x".repeat(65)] }],
    ["capabilities", { capabilities: [" "] }],
    ["languages", { languages: ["x".repeat(36)] }],
    ["language_pairs", { languagePairs: [""] }],
    ["credentials", { credentials: Array.from({ length: 33 }, (_, index) => `c${index}`) }],
    ["turnaround_min", { turnaroundMin: -1 }],
    ["turnaround_min", { turnaroundMin: 1.5 }],
    ["turnaround_min", { turnaroundMin: Number.NaN }],
    ["price.amount", { price: { amount: "-1", currency: "USD", unit: "word" } }],
    ["price.amount", { price: { amount: "1e9", currency: "USD", unit: "word" } }],
    ["price.amount", { price: { amount: "0.1\n", currency: "USD", unit: "word" } }],
    ["price.currency", { price: { amount: "1", currency: "", unit: "word" } }],
    ["price.unit", { price: { amount: "1", currency: "USD", unit: "x".repeat(33) } }],
    ["profile", { extra: { long: "ä".repeat(8_200) } }],
  ];
  it.each(tooMuch)("refuses %s out of bounds (%#)", (field, patch) => {
    expect(() => profileFromPatch(FULL, patch)).toThrow(
      expect.objectContaining({ code: "invalid_argument", message: `${field} is out of bounds` }),
    );
  });

  it("takes everything at its bound", () => {
    const patch: ProfilePatch = {
      name: "x".repeat(128),
      description: "x".repeat(4_096),
      capabilities: Array.from({ length: 64 }, (_, index) => String(index).padEnd(64, "c")),
    };
    expect(profileFromPatch(DEFAULT_PROFILE, patch)).toMatchObject(patch);
  });

  it("does not let an agent give itself the right to invite, but keep or drop it", () => {
    const inviting = { ...FULL, capabilities: ["invite"] };
    expect(() => profileFromPatch(FULL, { capabilities: ["invite"] })).toThrow(
      expect.objectContaining({ code: "permission_denied" }),
    );
    expect(profileFromPatch(inviting, { capabilities: ["invite", "a"] }).capabilities).toEqual([
      "invite",
      "a",
    ]);
    expect(profileFromPatch(inviting, { capabilities: ["a"] }).capabilities).toEqual(["a"]);
  });
});

describe("the first profile", () => {
  it("is what the agent says over the defaults, plus what the invite gives", () => {
    expect(profileFromJoin(undefined, [])).toEqual(DEFAULT_PROFILE);
    expect(profileFromJoin({ capabilities: ["b", "a"], visibility: "public" }, ["a", "invite"])).toEqual({
      ...DEFAULT_PROFILE,
      capabilities: ["b", "a", "invite"],
      visibility: "public",
    });
  });

  it("counts what the invite gives against the bound", () => {
    const capabilities = Array.from({ length: 64 }, (_, index) => `c${index}`);
    expect(() => profileFromJoin({ capabilities }, ["one more"])).toThrow(
      expect.objectContaining({ code: "invalid_argument" }),
    );
  });

  it("refuses the right to invite unless the invite gives it", () => {
    expect(() => profileFromJoin({ capabilities: ["invite"] }, [])).toThrow(
      expect.objectContaining({ code: "permission_denied" }),
    );
    expect(profileFromJoin({ capabilities: ["invite"] }, ["invite"]).capabilities).toEqual(["invite"]);
  });
});
