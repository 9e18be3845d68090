import {
  type CryptoKey,
  calculateJwkThumbprint,
  exportJWK,
  FlattenedSign,
  generateKeyPair,
  type JWK,
} from "jose";
import { onTestFinished } from "vitest";
import { canonicalJson } from "../../adapters/a2a/canonical-json.ts";
import type { JsonObject } from "../../src/model/json.ts";
import { openHttpServer } from "./http-server.ts";

type Json = Record<string, unknown>;

export interface SignerOptions {
  readonly alg?: string;
  readonly kid?: string;
}

/** Signs cards as RFC 7515 says, with a key that is published where the signature says. */
export interface TestSigner {
  readonly thumbprint: string;
  readonly kid: string;
  readonly alg: string;
  /** The key as it is published, and where. */
  readonly publicKey: JWK;
  readonly publicCryptoKey: CryptoKey;
  readonly privateKey: CryptoKey;
  readonly jku: string;
  /** What stands there: changed by tests. */
  keys: JWK[];
  /** Given an arrow it can be passed on by itself. @param header goes over what stands in the protected header */
  sign: (card: Json, header?: Json) => Promise<Json>;
}

export async function openSigner({ alg = "ES256", kid = "a-key" }: SignerOptions = {}): Promise<TestSigner> {
  const pair = await generateKeyPair(alg, { extractable: true });
  const publicKey: JWK = { ...(await exportJWK(pair.publicKey)), kid };
  const server = await openHttpServer((_request, response) => {
    response.setHeader("content-type", "application/json").end(JSON.stringify({ keys: signer.keys }));
  });
  onTestFinished(() => server.stop());
  const signer: TestSigner = {
    ...{ thumbprint: await calculateJwkThumbprint(publicKey), kid, alg, publicKey },
    ...{ publicCryptoKey: pair.publicKey, privateKey: pair.privateKey },
    ...{ jku: `${server.url}/keys`, keys: [publicKey] },
    sign: async (card, header = {}) => {
      const payload = new TextEncoder().encode(canonicalJson(card as JsonObject));
      const { protected: head, signature } = await new FlattenedSign(payload)
        .setProtectedHeader({ alg, kid, typ: "JOSE", jku: signer.jku, ...header })
        .sign(signer.privateKey);
      return { ...card, signatures: [{ protected: head, signature }] };
    },
  };
  return signer;
}
