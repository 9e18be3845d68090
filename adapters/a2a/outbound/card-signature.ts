import { calculateJwkThumbprint, decodeProtectedHeader, flattenedVerify, importJWK, type JWK } from "jose";
import { z } from "zod";
import { DeliveryFailure, type JsonObject, type OutboundHttp } from "../../../src/adapter-kit.ts";
import { AgentCardSchema } from "../../../src/gen/lf/a2a/v1/a2a_pb.js";
import { canonicalJson } from "../canonical-json.ts";
import { jsonFromBytes, jsonFromMessage, messageFromJson } from "../json.ts";

const ALGORITHMS = ["ES256", "ES384", "ES512", "EdDSA", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"];
const MAX_KEYS_BYTES = 262_144;
const TIMEOUT_MS = 15_000;
const MAX_REDIRECTS = 3;

const signatureShape = z.looseObject({ protected: z.string().max(8192), signature: z.string().max(8192) });
const headerShape = z.looseObject({
  alg: z.string(),
  kid: z.string().max(1024),
  jku: z.url().max(2048).optional(),
});
const keySetShape = z.looseObject({
  keys: z.array(z.looseObject({ kty: z.string(), kid: z.string().optional() })).max(100),
});

export interface SignatureDeps {
  readonly http: OutboundHttp;
  readonly signal: AbortSignal;
}

/**
 * The thumbprints (RFC 7638) of the keys that vouch for the card; none = it is not signed. A key is what the signature
 * says where to get it (`jku`): that proves that the card and later ones come from the same hand, not whose that is.
 * @throws DeliveryFailure when it is signed and no signature is good
 */
export async function signersOf(card: JsonObject, deps: SignatureDeps): Promise<readonly string[]> {
  const { signatures, ...rest } = card;
  const given: readonly unknown[] = Array.isArray(signatures) ? signatures.slice(0, 8) : [];
  if (given.length === 0) return [];
  const signers: string[] = [];
  let why = "";
  for (const signature of given) {
    try {
      signers.push(await signerOf(signature, payloadsOf(rest), deps));
    } catch (thrown) {
      why = thrown instanceof Error ? thrown.message : "it is not readable";
    }
  }
  if (signers.length > 0) return signers;
  throw new DeliveryFailure(`the signature of its card is not good: ${why}`);
}

/** What may have been signed: the card as it stands, or what of it A2A 1.0 knows. */
function payloadsOf(card: JsonObject): readonly string[] {
  const known = jsonFromMessage(AgentCardSchema, messageFromJson(AgentCardSchema, card));
  return [canonicalJson(card), canonicalJson(known)];
}

async function signerOf(value: unknown, payloads: readonly string[], deps: SignatureDeps): Promise<string> {
  const { protected: header, signature } = signatureShape.parse(value);
  const { alg, kid, jku } = headerShape.parse(
    decodeProtectedHeader({ protected: header, payload: "", signature }),
  );
  if (!ALGORITHMS.includes(alg)) throw new Error(`the algorithm ${alg} is not taken`);
  if (jku === undefined) throw new Error("it does not say where its key is (jku)");
  const jwk = await fetchKey(jku, kid, deps);
  const key = await importJWK(jwk, alg);
  let failure: unknown;
  for (const payload of payloads) {
    try {
      const detached = { protected: header, signature, payload: Buffer.from(payload).toString("base64url") };
      await flattenedVerify(detached, key, { algorithms: ALGORITHMS });
      return await calculateJwkThumbprint(jwk);
    } catch (thrown) {
      failure = thrown;
    }
  }
  throw failure;
}

async function fetchKey(jku: string, kid: string, { http, signal }: SignatureDeps): Promise<JWK> {
  const answer = await http.request({
    ...{
      method: "GET",
      url: jku,
      timeoutMs: TIMEOUT_MS,
      maxBytes: MAX_KEYS_BYTES,
      maxRedirects: MAX_REDIRECTS,
      signal,
    },
    headers: { accept: "application/json" },
  });
  if (answer.status !== 200) throw new Error(`its key set answers ${answer.status}`);
  const { keys } = keySetShape.parse(jsonFromBytes(answer.body));
  const key = keys.find((one) => one.kid === kid);
  if (key === undefined) throw new Error("its key set does not hold the key");
  return { ...key, kid };
}
