import { calculateJwkThumbprint, decodeProtectedHeader, flattenedVerify, importJWK, type JWK } from "jose";
import { z } from "zod";
import { DeliveryFailure, type JsonObject, type OutboundHttp } from "../../../src/adapter-kit.ts";
import { AgentCardSchema } from "../../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError } from "../a2a-error.ts";
import { canonicalJson } from "../canonical-json.ts";
import { jsonFromMessage, messageFromJson } from "../json.ts";
import { createKeySets, type KeySets, keyOf } from "./key-sets.ts";

/** Of a key that anybody may know: no shared secrets, and not "none". */
const ALGORITHMS = ["ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
/** Of one card; each may name a key set of its own, which is fetched. */
const MAX_SIGNATURES = 4;
/** Clocks differ. */
const FUTURE_S = 600;

const signatureShape = z.looseObject({ protected: z.string().max(8192), signature: z.string().max(8192) });
const seconds = z.number().int().nonnegative().optional();
const headerShape = z.looseObject({
  alg: z.string().max(64),
  kid: z.string().min(1).max(1024),
  jku: z
    .url({ protocol: /^https?$/ })
    .max(2048)
    .optional(),
  iat: seconds,
  exp: seconds,
});
type Header = z.output<typeof headerShape>;

export interface SignatureDeps {
  readonly http: OutboundHttp;
  readonly signal: AbortSignal;
  readonly nowUnixMs: () => number;
  /** Whether the card came so that keys may come by http too: never by less than the card itself. */
  readonly mayBePlain: boolean;
  /** For signatures that do not say where their key is; absent = those are no good. */
  readonly ownKey?: JWK | undefined;
}

/** Who vouches for a card. */
export interface Signer {
  /** Of the key (RFC 7638). */
  readonly thumbprint: string;
  /** When the signature was made and until when it counts, in seconds since the Unix epoch; undefined = it does not say. */
  readonly issuedS: number | undefined;
  readonly expiresS: number | undefined;
}

/**
 * Who vouches for the card; nobody = it is not signed. A key is what the signature says where to get it (`jku`): that
 * proves that the card and later ones come from the same hand, not whose that is.
 * @throws DeliveryFailure when it is signed and no signature is good
 */
export async function signersOf(card: JsonObject, deps: SignatureDeps): Promise<readonly Signer[]> {
  const { signatures, ...rest } = card;
  const given: readonly unknown[] = Array.isArray(signatures) ? signatures : [];
  if (given.length === 0) return [];
  if (given.length > MAX_SIGNATURES) {
    throw notGood(`there are more than ${MAX_SIGNATURES} signatures`);
  }
  const keySets = createKeySets(deps);
  const signers: Signer[] = [];
  let passing: DeliveryFailure | undefined;
  let why = "";
  for (const signature of given) {
    try {
      signers.push(await signerOf(signature, { ...deps, card: rest, keySets }));
    } catch (thrown) {
      if (isPassing(thrown)) passing = thrown;
      else why = thrown instanceof Error ? thrown.message : "it is not readable";
    }
  }
  if (signers.length > 0) return signers;
  if (passing !== undefined) throw passing;
  throw notGood(why);
}

/** What the signatures of a card say of themselves. */
export interface Claims {
  /** Whether any says where its key is. */
  readonly hasPlace: boolean;
  /** When the latest was made, in seconds since the Unix epoch; undefined = none says. */
  readonly issuedS: number | undefined;
}

/**
 * @param nowUnixMs undefined = what they say of times need not be so now
 * @throws DeliveryFailure for a signature that could not be good, whatever its key
 */
export function claimsOf({ signatures }: JsonObject, nowUnixMs: number | undefined): Claims {
  const given: readonly unknown[] = Array.isArray(signatures) ? signatures : [];
  try {
    const headers = given.map((one) => headerOf(one, nowUnixMs).header);
    const times = headers.flatMap(({ iat }) => (iat === undefined ? [] : [iat]));
    const issuedS = times.length === 0 ? undefined : Math.max(...times);
    return { hasPlace: headers.some(({ jku }) => jku !== undefined), issuedS };
  } catch (thrown) {
    throw notGood(thrown instanceof Error ? thrown.message : "it is not readable");
  }
}

function notGood(why: string): DeliveryFailure {
  return new DeliveryFailure(`the signature of its card is not good: ${why}`, {
    isFinal: true,
    isAnswer: true,
  });
}

/** The key could not be fetched now: that says nothing of the signature. */
function isPassing(thrown: unknown): thrown is DeliveryFailure {
  return thrown instanceof DeliveryFailure && !thrown.isFinal;
}

interface Signed extends SignatureDeps {
  readonly card: JsonObject;
  readonly keySets: KeySets;
}

async function signerOf(value: unknown, deps: Signed): Promise<Signer> {
  const { card, keySets, ownKey, mayBePlain } = deps;
  const { head, signature, header } = headerOf(value, deps.nowUnixMs());
  const { alg, kid, jku } = header;
  if (jku?.startsWith("http:") === true && !mayBePlain)
    throw new Error("its key is to be fetched without TLS");
  const jwk = jku === undefined ? ownKey : keyOf(await keySets.of(jku), kid, alg);
  if (jwk === undefined) throw new Error("it does not say where its key is (jku)");
  const key = await importJWK(jwk, alg);
  let failure: unknown;
  for (const payload of payloadsOf(card)) {
    try {
      const detached = { protected: head, signature, payload: Buffer.from(payload).toString("base64url") };
      await flattenedVerify(detached, key, { algorithms: ALGORITHMS });
      const thumbprint = await calculateJwkThumbprint(jwk);
      return { thumbprint, issuedS: header.iat, expiresS: header.exp };
    } catch (thrown) {
      failure = thrown;
    }
  }
  throw failure;
}

/** @throws Error for a signature that could not be good */
function headerOf(value: unknown, nowUnixMs: number | undefined) {
  const { protected: head, signature } = readable(signatureShape, value);
  const header = readable(headerShape, decodeProtectedHeader({ protected: head, payload: "", signature }));
  if (!ALGORITHMS.includes(header.alg)) throw new Error(`the algorithm ${header.alg} is not taken`);
  if (nowUnixMs !== undefined) checkTimes(header, nowUnixMs / 1000);
  return { head, signature, header };
}

function checkTimes({ iat, exp }: Header, nowS: number): void {
  if (exp !== undefined && exp <= nowS) throw new Error("it has expired");
  if (iat !== undefined && iat > nowS + FUTURE_S) throw new Error("it is of a time to come");
}

/** What may have been signed: the card as it stands, or what of it A2A 1.0 knows. */
function payloadsOf(card: JsonObject): readonly string[] {
  const whole = canonicalJson(card);
  try {
    const known = jsonFromMessage(AgentCardSchema, messageFromJson(AgentCardSchema, card));
    return [whole, canonicalJson(known)];
  } catch (thrown) {
    // A card of another version.
    if (thrown instanceof A2aError) return [whole];
    throw thrown;
  }
}

function readable<Shape extends z.ZodType>(shape: Shape, value: unknown): z.output<Shape> {
  const parsed = shape.safeParse(value);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new Error(`${issue?.path.join(".") || "it"} is not what it should be`);
}
