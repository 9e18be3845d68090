import { DEFAULT_PROFILE, type Profile } from "../../../model/agent.ts";

/** Free text as every dialect keeps it: U+0000 ends a text in one and is refused by the other. */
export function storedText(text: string): string {
  return text.toWellFormed().replaceAll("\0", "\ufffd");
}

/** JSON escapes U+0000 and lone surrogates by itself. */
export function textFromProfile(profile: Profile): string {
  return JSON.stringify(profile);
}

/** Fields that came after the profile was stored have their defaults. */
export function profileFromText(text: string): Profile {
  const stored: Partial<Profile> = JSON.parse(text);
  return { ...DEFAULT_PROFILE, ...stored };
}

export function textFromList(list: readonly string[]): string {
  return JSON.stringify(list);
}

export function listFromText(text: string): readonly string[] {
  return JSON.parse(text);
}
