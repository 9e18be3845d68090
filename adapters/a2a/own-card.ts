import {
  DeliveryFailure,
  type JsonObject,
  type JsonValue,
  MeshError,
  type ProfileCheck,
} from "../../src/adapter-kit.ts";
import type { CardFacts } from "./card.ts";
import { jsonObjectFromBytes } from "./json.ts";
import { claimsOf, type SignatureDeps, signersOf } from "./outbound/card-signature.ts";
import { keyFromText } from "./outbound/key-sets.ts";
import { cardFromJson, type RemoteCard } from "./outbound/remote-card.ts";

/** The field of a profile in which an agent brings a signed card of its own. */
export const OWN_CARD = "agent_card";

const HINT = `give ${OWN_CARD} as the signed card, JSON or its text; without one the hub makes a card and signs it`;

type Places = Pick<CardFacts, "publicUrl" | "grpc">;

export interface OwnCardDeps {
  readonly facts: () => Places;
  readonly nowUnixMs: () => number;
}

/**
 * Checks a card before an agent is shown with it. Its signature is checked by the key that it says where to get (`jku`),
 * else by the agent's own (`public_key`, when that is a JWK); without either it is passed on unchecked: whoever reads the
 * card has the key from elsewhere. What it names at this hub must be the agent's own, and it must not be older than the
 * card that is there.
 */
export function createOwnCardCheck({ facts, nowUnixMs }: OwnCardDeps): ProfileCheck {
  return async ({ agentId, value, held, publicKey }, { http, signal }) => {
    const json = cardJson(value);
    const places = facts();
    checkPlaces(
      usable(() => cardFromJson(json)),
      agentId,
      places,
    );
    const { hasPlace, issuedS } = usable(() => claimsOf(json, nowUnixMs()));
    checkAge(issuedS, held);
    const ownKey = keyFromText(publicKey);
    if (!hasPlace && ownKey === undefined) return;
    const mayBePlain = !places.publicUrl.startsWith("https:");
    await checkSignature(json, { http, signal, nowUnixMs, mayBePlain, ownKey });
  };
}

async function checkSignature(json: JsonObject, deps: SignatureDeps): Promise<void> {
  try {
    await signersOf(json, deps);
  } catch (thrown) {
    if (!(thrown instanceof DeliveryFailure)) throw thrown;
    if (thrown.isFinal) throw unusable(thrown.message);
    throw new MeshError("unavailable", `${OWN_CARD} cannot be checked now: ${thrown.message}`, {
      hint: "see that the key set at its jku can be fetched, and try again",
      retryAfterS: 5,
      cause: thrown,
    });
  }
}

function cardJson(value: JsonValue): JsonObject {
  const json = jsonObjectFromBytes(Buffer.from(typeof value === "string" ? value : JSON.stringify(value)));
  if (json === undefined) throw unusable("it is no JSON object");
  const { signatures } = json;
  if (!Array.isArray(signatures) || signatures.length === 0) throw unusable("it is not signed");
  return json;
}

/** Who reads the card at the agent's address would talk to somebody else without a word. */
function checkPlaces(card: RemoteCard, agentId: string, { publicUrl, grpc }: Places): void {
  const { url, supportedInterfaces = [], additionalInterfaces = [] } = card;
  const own = `${publicUrl}/a2a/${agentId}`;
  const named = [url ?? "", ...[...supportedInterfaces, ...additionalInterfaces].map((one) => one.url)];
  const strange = named.find(
    (at) => at.startsWith(`${publicUrl}/`) && at !== own && !at.startsWith(`${own}/`),
  );
  if (strange !== undefined) throw unusable(`it names ${strange.slice(0, 200)}, and the agent is at ${own}`);
  const isStranger = supportedInterfaces.some((one) => one.url === grpc && one.tenant !== agentId);
  if (isStranger) throw unusable(`at ${String(grpc)} its tenant is not ${agentId}`);
}

/** An old card that comes back is somebody's who kept it. */
function checkAge(issuedS: number | undefined, held: JsonValue | undefined): void {
  const before = held === undefined ? undefined : issuedOf(held);
  if (before === undefined || (issuedS !== undefined && issuedS >= before)) return;
  throw new MeshError("failed_precondition", `${OWN_CARD} was signed before the one that is there`, {
    hint: "sign it anew, with the time in iat; to go back on purpose, take the field away first",
  });
}

/** Of what is there already: a hub of before may have taken what this one would not. */
function issuedOf(held: JsonValue): number | undefined {
  try {
    return claimsOf(cardJson(held), undefined).issuedS;
  } catch (thrown) {
    if (thrown instanceof MeshError || thrown instanceof DeliveryFailure) return undefined;
    throw thrown;
  }
}

function usable<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    throw thrown instanceof DeliveryFailure ? unusable(thrown.message) : thrown;
  }
}

function unusable(why: string): MeshError {
  return new MeshError("invalid_argument", `${OWN_CARD} is not usable: ${why}`, { hint: HINT });
}
