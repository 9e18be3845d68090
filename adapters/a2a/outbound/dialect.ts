import { z } from "zod";
import {
  DeliveryFailure,
  failureFromStatus,
  type JsonObject,
  type LookDeps,
  present,
  type ReachDialect,
  type Reached,
} from "../../../src/adapter-kit.ts";
import { jsonObjectFromBytes } from "../json.ts";
import { type Signer, signersOf } from "./card-signature.ts";
import { createRemoteAgent } from "./remote-agent.ts";
import {
  cardFromJson,
  chooseInterface,
  interfaceShape,
  type RemoteCard,
  type RemoteInterface,
  skillsOf,
} from "./remote-card.ts";

const CARD_MS = 15_000;
const MAX_CARD_BYTES = 1_048_576;
const MAX_REDIRECTS = 3;
const LEAST_FRESH_MS = 5_000;
const USUAL_FRESH_MS = 600_000;
const MOST_FRESH_MS = 86_400_000;
const MAX_ETAG_CHARS = 256;
const MAX_NAME_CHARS = 128;
const MAX_DESCRIPTION_CHARS = 1024;

/** What is kept of a card. */
const factsShape = z.object({
  place: interfaceShape,
  name: z.string(),
  description: z.string(),
  skills: z.array(z.string()),
  etag: z.string(),
  /** When the card itself came last, rather than the word that it is the same. */
  fetchedUnixMs: z.number().default(0),
  /** Thumbprint of the key that it is signed by; empty = it was not signed. */
  key: z.string(),
  /** When the signature was made and until when it counts, in seconds since the Unix epoch; absent = it does not say. */
  issuedS: z.number().exactOptional(),
  expiresS: z.number().exactOptional(),
  /** A key that was offered instead and not taken; absent = none. */
  offered: z.string().exactOptional(),
});
type Facts = z.output<typeof factsShape>;

/** Agents that are reached by the URL of their A2A card. */
export const a2aDialect: ReachDialect = {
  name: "a2a",

  async look(address, kept, deps) {
    const url = String(address["card_url"]);
    const pinned = typeof address["key"] === "string" ? address["key"] : undefined;
    const known = factsFrom(kept);
    const nowUnixMs = deps.nowUnixMs();
    const etag = mayBeTheSame(known, { pinned, nowUnixMs }) ? known.etag : "";
    const answer = await fetchCard(url, etag, deps);
    const freshMs = freshFrom(answer.headers["cache-control"]);
    // Only who was asked whether it is the same can say so.
    if (answer.status === 304 && etag !== "" && known !== undefined) {
      return reachedBy(known, { ...deps, freshMs });
    }
    if (answer.status !== 200) throw failureFromStatus(answer, nowUnixMs);
    const json = cardJson(answer.body);
    const card = cardFromJson(json);
    const mayBePlain = !answer.url.startsWith("https:");
    const signers = await signersOf(json, { ...deps, mayBePlain });
    const trusted = pinned ?? (known?.key || undefined);
    const signer = trusted === undefined ? signers[0] : signers.find((one) => one.thumbprint === trusted);
    if (trusted !== undefined && signer === undefined) {
      return otherKey(trusted, signers[0]?.thumbprint ?? "", known, { ...deps, freshMs });
    }
    checkAge(signer, known);
    const place = await chooseInterface(card, { mayBePlain, check: (at) => deps.http.check(at) });
    // A first signature is taken as it is; from then on it has to stay the same.
    const found = {
      ...factsOf(card, place),
      etag: etagFrom(answer.headers["etag"]),
      fetchedUnixMs: nowUnixMs,
      key: signer?.thumbprint ?? "",
      ...present({ issuedS: signer?.issuedS, expiresS: signer?.expiresS }),
    };
    return reachedBy(found, { ...deps, freshMs });
  },

  recall(kept, { http }) {
    const facts = factsFrom(kept);
    return facts && createRemoteAgent(facts.place, http);
  },
};

/**
 * Whether it may be asked for by its tag: not when it has to prove itself anew (by a key that was named meanwhile, or
 * since its signature has expired), and not for ever, whatever its server says.
 */
function mayBeTheSame(
  known: Facts | undefined,
  { pinned, nowUnixMs }: { readonly pinned: string | undefined; readonly nowUnixMs: number },
): known is Facts {
  if (known === undefined || (pinned !== undefined && pinned !== known.key)) return false;
  const isExpired = known.expiresS !== undefined && known.expiresS * 1000 <= nowUnixMs;
  return !isExpired && nowUnixMs - known.fetchedUnixMs < MOST_FRESH_MS;
}

/** A card that does not come from whom it should is not taken; the one before stays in use, if there is one. */
function otherKey(
  trusted: string,
  offered: string,
  known: Facts | undefined,
  deps: Pick<LookDeps, "http"> & { readonly freshMs: number },
): Reached {
  if (known === undefined) {
    throw new DeliveryFailure(`its card is not signed by the key that is named, but by ${offered || "none"}`);
  }
  return {
    ...reachedBy({ ...known, etag: "", offered }, deps),
    changedKey: { known: trusted, offered },
  };
}

/** An old card that comes back is somebody's who kept it. @throws DeliveryFailure */
function checkAge(signer: Signer | undefined, known: Facts | undefined): void {
  if (known?.issuedS === undefined || signer === undefined || signer.thumbprint !== known.key) return;
  if (signer.issuedS !== undefined && signer.issuedS >= known.issuedS) return;
  throw new DeliveryFailure("its card was signed before the one that is known", { isAnswer: true });
}

function fetchCard(url: string, etag: string, { http, signal }: LookDeps) {
  return http.request({
    ...{
      method: "GET",
      url,
      timeoutMs: CARD_MS,
      maxBytes: MAX_CARD_BYTES,
      maxRedirects: MAX_REDIRECTS,
      signal,
    },
    headers: { accept: "application/json", ...(etag !== "" && { "if-none-match": etag }) },
  });
}

/** One that is too long to be sent back is as none. */
function etagFrom(header: string | undefined): string {
  return header !== undefined && header.length <= MAX_ETAG_CHARS ? header : "";
}

function cardJson(body: Uint8Array): JsonObject {
  const json = jsonObjectFromBytes(body);
  if (json === undefined) throw new DeliveryFailure("its card is no JSON object");
  return json;
}

function factsOf(
  card: RemoteCard,
  place: RemoteInterface,
): Pick<Facts, "place" | "name" | "description" | "skills"> {
  return {
    place,
    name: card.name.slice(0, MAX_NAME_CHARS),
    description: card.description.slice(0, MAX_DESCRIPTION_CHARS),
    skills: [...skillsOf(card)],
  };
}

/** What an older hub kept may be of no use: then it is looked up anew. */
function factsFrom(kept: JsonObject | undefined): Facts | undefined {
  const parsed = factsShape.safeParse(kept);
  return parsed.success ? parsed.data : undefined;
}

function reachedBy(
  facts: Facts,
  { http, freshMs }: Pick<LookDeps, "http"> & { readonly freshMs: number },
): Reached {
  const { place, name, description, skills, key, offered } = facts;
  return {
    agent: createRemoteAgent(place, http),
    facts: { ...facts },
    ...{ name, description, skills, freshMs },
    shown: present({
      ...{ protocol: place.binding, version: place.version, url: place.url, name },
      key: key === "" ? undefined : key,
      offered_key: offered,
    }),
  };
}

/** As the server says, within bounds. */
function freshFrom(cacheControl: string | undefined): number {
  const seconds = /(?:^|[\s,])max-age=(\d{1,9})/.exec(cacheControl ?? "")?.[1];
  const freshMs = seconds === undefined ? USUAL_FRESH_MS : Number(seconds) * 1000;
  return Math.min(MOST_FRESH_MS, Math.max(LEAST_FRESH_MS, freshMs));
}
