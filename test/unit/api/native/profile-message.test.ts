import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { expect, test } from "vitest";
import { messageFromProfile, patchFromProfile } from "../../../../src/api/native/profile-message.ts";
import { ProfileSchema } from "../../../../src/gen/meshkore/v1/registry_pb.js";
import type { Profile } from "../../../../src/model/agent.ts";

const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 20 });
const texts = fc.array(text, { minLength: 1, maxLength: 4 });

/** A profile in which nothing is empty: an empty part and an absent one are the same on the wire. */
const profile: fc.Arbitrary<Profile> = fc.record(
  {
    capabilities: texts,
    status: fc.constantFrom("available", "busy", "away"),
    visibility: fc.constantFrom("public", "hub", "hidden"),
    access: fc.constantFrom("members", "public"),
    name: text,
    description: text,
    languages: texts,
    languagePairs: texts,
    region: text,
    price: fc.record({ amount: text, currency: text, unit: text }),
    turnaroundMin: fc.integer({ min: 1, max: 0xffff_ffff }),
    credentials: texts,
    extra: fc.dictionary(
      text.map((key) => `own ${key}`),
      // What has no minus zero, which JSON has not either.
      fc.jsonValue().map((value) => JSON.parse(JSON.stringify(value))),
      { minKeys: 1, maxKeys: 3 },
    ),
  },
  { requiredKeys: ["capabilities", "status", "visibility", "access"] },
) as fc.Arbitrary<Profile>;

test("a profile that was written as a message is read as it was", () => {
  fc.assert(
    fc.property(profile, (given) => {
      const bytes = toBinary(ProfileSchema, create(ProfileSchema, messageFromProfile(given)));
      expect(patchFromProfile(fromBinary(ProfileSchema, bytes))).toEqual(given);
    }),
    { numRuns: 200 },
  );
});
