import { DEFAULT_PROFILE, type Price, type Profile, type ProfilePatch } from "../model/agent.ts";
import { MeshError } from "../model/errors.ts";
import type { JsonObject } from "../model/json.ts";
import { REACH, REACH_STATUS, reachFromExtra } from "../model/reach.ts";

/** Bounds of a profile. */
export const PROFILE_LIMITS = {
  /** Of the whole profile as JSON, in UTF-8. */
  jsonBytes: 16_384,
  nameChars: 128,
  descriptionChars: 4_096,
  regionChars: 64,
  capabilities: { entries: 64, chars: 64 },
  languages: { entries: 64, chars: 35 },
  languagePairs: { entries: 256, chars: 71 },
  credentials: { entries: 32, chars: 512 },
  currencyChars: 16,
  unitChars: 32,
  turnaroundMin: 5_256_000,
} as const;

const AMOUNT = /^\d{1,18}(\.\d{1,18})?$/;

/** Given by the operator only (in an invite): who has it may make invites. */
export const INVITE_CAPABILITY = "invite";

/** The first profile: what the agent says of itself over the defaults, plus what its invite gives. */
export function profileFromJoin(own: ProfilePatch | undefined, granted: readonly string[]): Profile {
  refuseOwnStatus(own);
  const profile = patched(DEFAULT_PROFILE, own ?? {});
  refuseOwnGrant(profile.capabilities, granted);
  return checked({ ...profile, capabilities: distinct([...profile.capabilities, ...granted]) });
}

/**
 * The profile with the fields of the patch. A field that is absent stays; an empty text takes the field away;
 * lists are replaced; `extra` is merged by key, and a key that is null goes away (RFC 7396, first level).
 * @throws MeshError invalid_argument beyond PROFILE_LIMITS; permission_denied for taking the capability `invite`
 */
export function profileFromPatch(profile: Profile, patch: ProfilePatch): Profile {
  refuseOwnStatus(patch);
  const next = patched(profile, patch);
  refuseOwnGrant(next.capabilities, profile.capabilities);
  return checked(next);
}

/** @throws MeshError invalid_argument */
export function checkCapabilities(capabilities: readonly string[]): readonly string[] {
  checkList("capabilities", capabilities, PROFILE_LIMITS.capabilities);
  return distinct(capabilities);
}

/** Equal profiles have equal texts. */
export function textFromProfile(profile: Profile): string {
  return JSON.stringify(profile);
}

function patched(profile: Profile, patch: ProfilePatch): Profile {
  const name = patch.name ?? profile.name;
  const description = patch.description ?? profile.description;
  const languages = patch.languages ?? profile.languages;
  const languagePairs = patch.languagePairs ?? profile.languagePairs;
  const region = patch.region ?? profile.region;
  const price = patch.price ?? profile.price;
  const turnaroundMin = patch.turnaroundMin ?? profile.turnaroundMin;
  const credentials = patch.credentials ?? profile.credentials;
  const extra = mergedExtra(profile.extra, patch.extra);
  return {
    ...(name ? { name } : {}),
    ...(description ? { description } : {}),
    capabilities: distinct(patch.capabilities ?? profile.capabilities),
    ...(languages === undefined ? {} : { languages }),
    ...(languagePairs === undefined ? {} : { languagePairs }),
    ...(region ? { region } : {}),
    ...(price === undefined ? {} : { price }),
    ...(turnaroundMin === undefined ? {} : { turnaroundMin }),
    ...(credentials === undefined ? {} : { credentials }),
    status: patch.status ?? profile.status,
    visibility: patch.visibility ?? profile.visibility,
    access: patch.access ?? profile.access,
    ...(extra === undefined ? {} : { extra }),
  };
}

function mergedExtra(old: JsonObject | undefined, given: JsonObject | undefined): JsonObject | undefined {
  if (given === undefined) return old;
  const kept = Object.entries({ ...old, ...given }).filter(
    ([name, value]) => value !== null && (name !== REACH_STATUS || given[REACH] === undefined),
  );
  return kept.length === 0 ? undefined : Object.fromEntries(kept);
}

/** How an agent is reached is what the hub found, not what the agent says. */
function refuseOwnStatus(patch: ProfilePatch | undefined): void {
  if (patch?.extra?.[REACH_STATUS] === undefined) return;
  throw new MeshError("permission_denied", `${REACH_STATUS} is the hub's to say`, {
    hint: `leave it out; say where you are reached in ${REACH}`,
  });
}

function refuseOwnGrant(capabilities: readonly string[], granted: readonly string[]): void {
  if (!capabilities.includes(INVITE_CAPABILITY) || granted.includes(INVITE_CAPABILITY)) return;
  throw new MeshError(
    "permission_denied",
    `an agent cannot give itself the capability "${INVITE_CAPABILITY}"`,
    {
      hint: "leave it out, or ask the operator for an invite that gives it",
    },
  );
}

function checked(profile: Profile): Profile {
  checkText("name", profile.name, PROFILE_LIMITS.nameChars);
  checkText("description", profile.description, PROFILE_LIMITS.descriptionChars);
  checkText("region", profile.region, PROFILE_LIMITS.regionChars);
  checkList("capabilities", profile.capabilities, PROFILE_LIMITS.capabilities);
  checkList("languages", profile.languages ?? [], PROFILE_LIMITS.languages);
  checkList("language_pairs", profile.languagePairs ?? [], PROFILE_LIMITS.languagePairs);
  checkList("credentials", profile.credentials ?? [], PROFILE_LIMITS.credentials);
  if (profile.price !== undefined) checkPrice(profile.price);
  reachFromExtra(profile.extra);
  const minutes = profile.turnaroundMin ?? 0;
  if (!Number.isInteger(minutes) || minutes < 0 || minutes > PROFILE_LIMITS.turnaroundMin) {
    throw invalid("turnaround_min", `give whole minutes from 0 to ${PROFILE_LIMITS.turnaroundMin}`);
  }
  if (Buffer.byteLength(textFromProfile(profile)) > PROFILE_LIMITS.jsonBytes) {
    throw invalid("profile", `keep all of it within ${PROFILE_LIMITS.jsonBytes} bytes of JSON`);
  }
  return profile;
}

function checkPrice({ amount, currency, unit }: Price): void {
  if (!AMOUNT.test(amount)) throw invalid("price.amount", 'give a decimal number as text, such as "0.05"');
  if (currency === "") throw invalid("price.currency", "name the currency, such as USD");
  checkText("price.currency", currency, PROFILE_LIMITS.currencyChars);
  checkText("price.unit", unit, PROFILE_LIMITS.unitChars);
}

function checkText(field: string, text: string | undefined, maxChars: number): void {
  if ((text?.length ?? 0) > maxChars) throw invalid(field, `use at most ${maxChars} characters`);
}

function checkList(
  field: string,
  list: readonly string[],
  limits: { readonly entries: number; readonly chars: number },
): void {
  if (list.length > limits.entries) throw invalid(field, `give at most ${limits.entries} entries`);
  for (const entry of list) {
    if (entry.trim() === "" || entry.length > limits.chars) {
      throw invalid(field, `each entry needs 1 to ${limits.chars} characters`);
    }
  }
}

function distinct(list: readonly string[]): readonly string[] {
  return [...new Set(list)];
}

function invalid(field: string, hint: string): MeshError {
  return new MeshError("invalid_argument", `${field} is out of bounds`, { hint });
}
