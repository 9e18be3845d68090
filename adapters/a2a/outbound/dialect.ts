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
import { A2aError } from "../a2a-error.ts";
import { isJsonObject, jsonFromBytes } from "../json.ts";
import { signersOf } from "./card-signature.ts";
import { createRemoteAgent } from "./remote-agent.ts";
import { cardFromJson, chooseInterface, interfaceShape, type RemoteCard, skillsOf } from "./remote-card.ts";

const CARD_MS = 15_000;
const MAX_CARD_BYTES = 1_048_576;
const MAX_REDIRECTS = 3;
const LEAST_FRESH_MS = 5_000;
const USUAL_FRESH_MS = 600_000;
const MOST_FRESH_MS = 86_400_000;
const MAX_NAME_CHARS = 128;
const MAX_DESCRIPTION_CHARS = 1024;

/** What is kept of a card. */
const factsShape = z.object({
  place: interfaceShape,
  name: z.string(),
  description: z.string(),
  skills: z.array(z.string()),
  etag: z.string(),
  /** Thumbprint of the key that it is signed by; empty = it was not signed. */
  key: z.string(),
  /** A key that was offered instead and not taken; absent = none. */
  offered: z.string().optional(),
});
type Facts = z.output<typeof factsShape>;

/** Agents that are reached by the URL of their A2A card. */
export const a2aDialect: ReachDialect = {
  name: "a2a",

  async look(address, kept, deps) {
    const { card_url: url, key: pinned } = address;
    const known = factsFrom(kept);
    const answer = await fetchCard(String(url), known, deps);
    const freshMs = freshFrom(answer.headers["cache-control"]);
    if (answer.status === 304 && known !== undefined) return reachedBy(known, { ...deps, freshMs });
    if (answer.status !== 200) throw failureFromStatus(answer, deps.nowUnixMs());
    const json = cardJson(answer.body);
    const found = factsOf(cardFromJson(json), answer.headers["etag"] ?? "");
    const signers = await signersOf(json, deps);
    const trusted = typeof pinned === "string" ? pinned : known?.key;
    if (trusted === undefined || trusted === "" || signers.includes(trusted)) {
      // A first signature is taken as it is; from then on it has to stay the same.
      const key = trusted !== undefined && trusted !== "" ? trusted : (signers[0] ?? "");
      return reachedBy({ ...found, key }, { ...deps, freshMs });
    }
    const offered = signers[0] ?? "";
    if (known === undefined) {
      throw new DeliveryFailure(
        `its card is not signed by the key that is named, but by ${offered || "none"}`,
      );
    }
    return {
      ...reachedBy({ ...known, etag: "", offered }, { ...deps, freshMs }),
      changedKey: { known: trusted, offered },
    };
  },

  recall(kept, { http }) {
    const facts = factsFrom(kept);
    return facts && createRemoteAgent(facts.place, http);
  },
};

function fetchCard(url: string, known: Facts | undefined, { http, signal }: LookDeps) {
  const etag = known?.etag ?? "";
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

function cardJson(body: Uint8Array): JsonObject {
  try {
    const json = jsonFromBytes(body);
    if (isJsonObject(json)) return json;
  } catch (thrown) {
    if (!(thrown instanceof A2aError)) throw thrown;
  }
  throw new DeliveryFailure("its card is no JSON object");
}

function factsOf(card: RemoteCard, etag: string): Facts {
  return {
    place: chooseInterface(card),
    name: card.name.slice(0, MAX_NAME_CHARS),
    description: card.description.slice(0, MAX_DESCRIPTION_CHARS),
    skills: [...skillsOf(card)],
    etag,
    key: "",
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
    facts: present({ ...facts, offered }),
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
