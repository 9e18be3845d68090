import { type DescField, isFieldSet, type MessageInitShape } from "@bufbuild/protobuf";
import {
  AgentSchema,
  type Price as PriceMessage,
  type Profile as ProfileMessage,
  ProfileSchema,
} from "../../gen/meshkore/v1/registry_pb.js";
import {
  type Access,
  type AgentStatus,
  DEFAULT_PROFILE,
  type Price,
  type Profile,
  type ProfilePatch,
  type Visibility,
} from "../../model/agent.ts";
import { closestName } from "../../model/closest-name.ts";
import { type MeshError, meshErrorFromUnknown } from "../../model/errors.ts";
import type { JsonObject } from "../../model/json.ts";
import { readJsonMembers } from "../../model/json-members.ts";
import { present } from "../../model/present.ts";
import { enumFromWord, invalidField, requiredMessage, wordFromEnum } from "./fields.ts";

/** In the order of registry.proto. */
export const STATUSES: readonly AgentStatus[] = ["available", "busy", "away"];
const VISIBILITIES: readonly Visibility[] = ["public", "hub", "hidden"];
const ACCESSES: readonly Access[] = ["members", "public"];

/** What the hub says of an agent itself, and fields that have a place of their own: not to be said in `extra_json`. */
const TAKEN: ReadonlySet<string> = new Set([
  ...[...ProfileSchema.fields, ...AgentSchema.fields].map(({ name }) => name),
  "__proto__",
]);

export function messageFromProfile(profile: Profile): MessageInitShape<typeof ProfileSchema> {
  const { price } = profile;
  return {
    name: profile.name ?? "",
    description: profile.description ?? "",
    capabilities: [...profile.capabilities],
    languages: [...(profile.languages ?? [])],
    languagePairs: [...(profile.languagePairs ?? [])],
    region: profile.region ?? "",
    ...(price !== undefined && { price: { ...price } }),
    turnaroundMin: profile.turnaroundMin ?? 0,
    credentials: [...(profile.credentials ?? [])],
    status: enumFromWord(profile.status, STATUSES),
    visibility: enumFromWord(profile.visibility, VISIBILITIES),
    access: enumFromWord(profile.access, ACCESSES),
    extraJson: profile.extra === undefined ? "" : JSON.stringify(profile.extra),
  };
}

/** The pair of `messageFromProfile`: the fields that say something. @throws MeshError invalid_argument */
export function patchFromProfile(profile: ProfileMessage): ProfilePatch {
  return patchOf(
    profile,
    ProfileSchema.fields.filter((field) => isFieldSet(profile, field)),
  );
}

/**
 * The named fields, also when they are empty; without names those that say something.
 * @throws MeshError invalid_argument
 */
export function patchFromFields(profile: ProfileMessage, names: readonly string[]): ProfilePatch {
  if (names.length === 0) return patchFromProfile(profile);
  return patchOf(profile, names.map(fieldFromName));
}

/** By its name in the schema or in JSON. */
function fieldFromName(name: string): DescField {
  const field = ProfileSchema.fields.find((known) => known.name === name || known.jsonName === name);
  if (field !== undefined) return field;
  const known = ProfileSchema.fields.map((candidate) => candidate.name);
  const meant = closestName(name, known);
  const hint = meant === undefined ? `fields are ${known.join(", ")}` : `did you mean ${meant}?`;
  throw invalidField(
    "fields",
    `names ${JSON.stringify(name.slice(0, 60))}, which is no field of a profile`,
    hint,
  );
}

function patchOf(profile: ProfileMessage, fields: readonly DescField[]): ProfilePatch {
  const named: ReadonlySet<DescField> = new Set(fields);
  const said = <Value>(name: keyof typeof ProfileSchema.field, read: () => Value): Value | undefined =>
    named.has(ProfileSchema.field[name]) ? read() : undefined;
  return present({
    name: said("name", () => profile.name),
    description: said("description", () => profile.description),
    capabilities: said("capabilities", () => profile.capabilities),
    languages: said("languages", () => profile.languages),
    languagePairs: said("languagePairs", () => profile.languagePairs),
    region: said("region", () => profile.region),
    price: said("price", () => priceFromMessage(requiredMessage("profile.price", profile.price))),
    turnaroundMin: said("turnaroundMin", () => profile.turnaroundMin),
    credentials: said("credentials", () => profile.credentials),
    status: said("status", () => wordOf("status", profile.status, STATUSES)),
    visibility: said("visibility", () => wordOf("visibility", profile.visibility, VISIBILITIES)),
    access: said("access", () => wordOf("access", profile.access, ACCESSES)),
    extra: said("extraJson", () => extraFromText(profile.extraJson)),
  });
}

/** Who names one of these fields and leaves it open wants the default back. */
function wordOf<Word extends string>(
  field: "status" | "visibility" | "access",
  value: number,
  words: readonly Word[],
): Word | undefined {
  const usual = words.find((word) => word === DEFAULT_PROFILE[field]);
  return wordFromEnum(`profile.${field}`, value, words) ?? usual;
}

function priceFromMessage({ amount, currency, unit }: PriceMessage): Price {
  return { amount, currency, unit };
}

function extraFromText(text: string): JsonObject | undefined {
  if (text === "") return undefined;
  const value = parsed(text);
  if (typeof value !== "object" || value === null || Array.isArray(value)) {
    throw invalidExtra("is not the JSON text of an object");
  }
  const taken = Object.keys(value).find((key) => TAKEN.has(key));
  if (taken !== undefined) throw invalidExtra(`cannot hold ${JSON.stringify(taken)}`);
  // It came out of a JSON parser, and is an object.
  return value as JsonObject;
}

function parsed(text: string): unknown {
  try {
    return readJsonMembers(Buffer.from(text)).value;
  } catch (thrown) {
    throw invalidExtra(`is not JSON: ${meshErrorFromUnknown(thrown).message}`);
  }
}

function invalidExtra(problem: string): MeshError {
  return invalidField(
    "profile.extra_json",
    problem,
    "give fields of your own, as the JSON text of one object",
  );
}
