import { createHmac, createPublicKey } from "node:crypto";
import { canonicalJson } from "../../adapters/a2a/canonical-json.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { openSigner, type TestSigner } from "./card-signer.ts";

type Json = Record<string, unknown>;

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

function signed(card: Json, head: Json, signature: string): Json {
  return { ...card, signatures: [{ protected: base64url(head), signature }] };
}

/** The protected header of a card that was signed, and its signature. */
function signatureOf(card: Json): { readonly head: Json; readonly signature: string } {
  const [{ protected: head, signature }] = card["signatures"] as [{ protected: string; signature: string }];
  return { head: JSON.parse(Buffer.from(head, "base64url").toString("utf8")), signature };
}

/** HMAC with what everybody knows, as a verifier computes it that takes the key for whatever the header says. */
function hmacBy(secret: string | Buffer, { kid, jku }: TestSigner, card: Json): Json {
  const head = { alg: "HS256", kid, jku };
  const payload = Buffer.from(canonicalJson(card as JsonObject)).toString("base64url");
  const mac = createHmac("sha256", secret)
    .update(`${base64url(head)}.${payload}`)
    .digest("base64url");
  return signed(card, head, mac);
}

const NOW_S = Math.floor(Date.now() / 1000);

/** A signature that says nothing of where its key is: whether it is good is known to who has the key alone. */
export const WITHOUT_PLACE = "that does not say where its key is";

type Forge = (signer: TestSigner, card: Json) => Json | Promise<Json>;

/** What is wrong with a signature: the card with it, made with the help of a signer, and the reason that is told. */
export const FORGED: readonly (readonly [string, Forge, RegExp])[] = [
  [
    "by another key of the same name",
    async (signer, card) => (await openSigner()).sign(card, { jku: signer.jku }),
    /verification failed/,
  ],
  [
    "of another card",
    async (signer, card) => ({ ...card, ...signaturesOf(await signer.sign({ ...card, name: "Other" })) }),
    /verification failed/,
  ],
  [
    "with another word in the protected header",
    async (signer, card) => {
      const { head, signature } = signatureOf(await signer.sign(card));
      return signed(card, { ...head, typ: "JWT" }, signature);
    },
    /verification failed/,
  ],
  [
    "that is none",
    ({ kid, jku }, card) => signed(card, { alg: "none", kid, jku }, ""),
    /algorithm none is not taken/,
  ],
  [
    "by HMAC with the public key as JWK",
    (signer, card) => hmacBy(JSON.stringify(signer.publicKey), signer, card),
    /algorithm HS256 is not taken/,
  ],
  [
    "by HMAC with the public key as PEM",
    (signer, card) => hmacBy(pemOf(signer), signer, card),
    /algorithm HS256 is not taken/,
  ],
  [
    "by a key that is not in the set",
    (signer, card) => signer.sign(card, { kid: "nobody" }),
    /does not hold the key/,
  ],
  [
    "by a key of whose name there are two",
    async (signer, card) => {
      signer.keys = [(await openSigner()).publicKey, ...signer.keys];
      return signer.sign(card);
    },
    /more than one key of that name/,
  ],
  [
    "by a key for another algorithm",
    (signer, card) => {
      signer.keys = [{ ...signer.publicKey, alg: "ES512" }];
      return signer.sign(card);
    },
    /key is for ES512/,
  ],
  [
    "by a key for encryption",
    (signer, card) => {
      signer.keys = [{ ...signer.publicKey, use: "enc" }];
      return signer.sign(card);
    },
    /not for signatures/,
  ],
  [
    "whose key set publishes a shared secret",
    (signer, card) => {
      signer.keys = [{ kty: "oct", k: "AAAA", kid: signer.kid }];
      return signer.sign(card);
    },
    /does not hold the key/,
  ],
  [
    "that does not name its key",
    (signer, card) => signer.sign(card, { kid: undefined }),
    /kid is not what it should be/,
  ],
  [WITHOUT_PLACE, (signer, card) => signer.sign(card, { jku: undefined }), /where its key is/],
  [
    "whose key is at a private address",
    (signer, card) => signer.sign(card, { jku: "http://10.0.0.1/keys" }),
    /does not call 10\.0\.0\.1/,
  ],
  [
    "whose key is where clouds keep their secrets",
    (signer, card) => signer.sign(card, { jku: "http://169.254.169.254/latest" }),
    /does not call 169\.254\.169\.254/,
  ],
  [
    "whose key is in a file",
    (signer, card) => signer.sign(card, { jku: "file:///etc/passwd" }),
    /jku is not what it should be/,
  ],
  ["that has expired", (signer, card) => signer.sign(card, { exp: NOW_S - 60 }), /has expired/],
  ["of a time to come", (signer, card) => signer.sign(card, { iat: NOW_S + 86_400 }), /time to come/],
  [
    "that wants what nobody here knows",
    async (signer, card) => {
      const { head, signature } = signatureOf(await signer.sign(card));
      return signed(card, { ...head, crit: ["x"], x: 1 }, signature);
    },
    /not recognized/,
  ],
  ["that is no base64", ({ kid, jku, alg }, card) => signed(card, { alg, kid, jku }, "***"), /not good/],
  [
    "that is a number",
    (_signer, card) => ({ ...card, signatures: [{ protected: 1, signature: 2 }] }),
    /not what it should be/,
  ],
  [
    "five times",
    async (signer, card) => {
      const [one] = (await signer.sign(card))["signatures"] as Json[];
      return { ...card, signatures: Array(5).fill(one) };
    },
    /more than 4 signatures/,
  ],
];

function signaturesOf({ signatures }: Json): Json {
  return { signatures };
}

function pemOf({ publicKey }: TestSigner): Buffer {
  const key = createPublicKey({ key: publicKey, format: "jwk" });
  return Buffer.from(key.export({ type: "spki", format: "pem" }));
}
