import { MeshError } from "./errors.ts";
import type { JsonObject, JsonValue } from "./json.ts";

/** Where an agent is reached by a foreign protocol: what its profile says under `reach`. */
export interface Reach {
  /** Whose words: the name of an adapter. */
  readonly dialect: string;
  readonly address: JsonObject;
}

/** The member of a profile that says where an agent is reached, and the one in which the hub says how that goes. */
export const REACH = "reach";
export const REACH_STATUS = "reach_status";

const MAX_URL_CHARS = 2048;
/** A JWK thumbprint (RFC 7638), SHA-256. */
const THUMBPRINT = /^[A-Za-z0-9_-]{43}$/;

type Check = (value: JsonValue | undefined) => boolean;

const isUrl: Check = (value) =>
  typeof value === "string" &&
  value.length <= MAX_URL_CHARS &&
  URL.canParse(value) &&
  /^https?:$/.test(new URL(value).protocol);
const isThumbprint: Check = (value) =>
  value === undefined || (typeof value === "string" && THUMBPRINT.test(value));

/** What each dialect takes; a member that is not named is refused. */
const DIALECTS: Readonly<Record<string, Readonly<Record<string, Check>>>> = {
  a2a: { card_url: isUrl, key: isThumbprint },
};

/**
 * What the further fields of a profile say of where the agent is reached; undefined when they say nothing.
 * @throws MeshError invalid_argument
 */
export function reachFromExtra(extra: JsonObject | undefined): Reach | undefined {
  const given = extra?.[REACH];
  if (given === undefined || given === null) return undefined;
  const [entry, ...others] = isObject(given) ? Object.entries(given) : [];
  if (entry === undefined || others.length > 0) throw invalid("name one protocol in it");
  const [dialect, address] = entry;
  const checks = DIALECTS[dialect];
  if (checks === undefined) throw invalid(`the protocols are: ${Object.keys(DIALECTS).join(", ")}`);
  if (!isObject(address)) throw invalid(`reach.${dialect} is an object`);
  for (const name of Object.keys(address)) {
    if (!(name in checks)) throw invalid(`reach.${dialect} has no ${JSON.stringify(name.slice(0, 40))}`);
  }
  for (const [name, isGood] of Object.entries(checks)) {
    if (!isGood(address[name])) throw invalid(`reach.${dialect}.${name} is missing or not what it should be`);
  }
  return { dialect, address };
}

function isObject(value: JsonValue): value is JsonObject {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

function invalid(what: string): MeshError {
  return new MeshError("invalid_argument", `reach cannot be used: ${what}`, {
    hint: 'give {"reach": {"a2a": {"card_url": "https://agent.example/.well-known/agent-card.json"}}}',
  });
}
