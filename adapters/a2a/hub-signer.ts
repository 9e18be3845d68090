import { createHash, randomUUID } from "node:crypto";
import {
  calculateJwkThumbprint,
  exportJWK,
  FlattenedSign,
  generateKeyPair,
  importJWK,
  type JWK,
  SignJWT,
} from "jose";
import { z } from "zod";
import { type HubKeys, type JsonObject, MeshError } from "../../src/adapter-kit.ts";
import { canonicalJson } from "./canonical-json.ts";

/** A file of the data directory; the backup knows it by the same name. */
const KEY_NAME = "card-key";
const ALG = "ES256";

const keyShape = z.strictObject({
  kty: z.literal("EC"),
  crv: z.literal("P-256"),
  x: z.string(),
  y: z.string(),
  d: z.string(),
});

/** How long a receiver may take the proof of a call for good. */
const PROOF_S = 300;

/** One call of the hub to a receiver of push notifications. */
export interface ProvenCall {
  readonly taskId: string;
  readonly url: string;
  readonly body: string | Uint8Array;
}

/** Signs in the hub's name, with one key. */
export interface HubSigner {
  /** The card with the hub's signature over everything else in it. */
  sign(card: JsonObject): Promise<JsonObject>;
  /**
   * A JSON Web Token by which the receiver of a call knows the hub (`iss`, its public URL) and that the call is meant
   * for it (`aud`, its URL), is about this task and has this body (`request_body_sha256`).
   */
  proof(call: ProvenCall): Promise<string>;
  /** The keys that signatures of this hub are checked by, as a JSON Web Key Set. */
  keySet(): Promise<JsonObject>;
}

interface OpenKey {
  readonly key: Awaited<ReturnType<typeof importJWK>>;
  readonly kid: string;
  readonly publicKey: JWK;
}

/** Where the hub's key set is published, behind its public URL. */
export const KEY_SET_PATH = "/.well-known/jwks.json";

export function createHubSigner(keys: HubKeys, publicUrl: () => string): HubSigner {
  let opening: Promise<OpenKey> | undefined;
  const opened = (): Promise<OpenKey> => {
    if (opening !== undefined) return opening;
    const mine = openKey(keys);
    opening = mine;
    mine.catch(() => {
      opening = undefined;
    });
    return mine;
  };
  return {
    async sign(card) {
      const { key, kid } = await opened();
      const payload = new TextEncoder().encode(canonicalJson(card));
      const { protected: header = "", signature } = await new FlattenedSign(payload)
        .setProtectedHeader({ alg: ALG, kid, typ: "JOSE", jku: `${publicUrl()}${KEY_SET_PATH}` })
        .sign(key);
      return { ...card, signatures: [{ protected: header, signature }] };
    },
    async proof({ taskId, url, body }) {
      const { key, kid } = await opened();
      const digest = createHash("sha256").update(body).digest("hex");
      return new SignJWT({ taskId, request_body_sha256: digest })
        .setProtectedHeader({ alg: ALG, kid, typ: "JWT" })
        .setIssuer(publicUrl())
        .setAudience(url)
        .setJti(randomUUID())
        .setIssuedAt()
        .setExpirationTime(`${PROOF_S}s`)
        .sign(key);
    },
    async keySet() {
      const { kid, publicKey } = await opened();
      const { kty = "", crv = "", x = "", y = "" } = publicKey;
      return { keys: [{ kty, crv, x, y, kid, alg: ALG, use: "sig" }] };
    },
  };
}

async function openKey(keys: HubKeys): Promise<OpenKey> {
  const text = await keys.keep(KEY_NAME, newKey);
  const { d, ...publicKey } = readKey(text);
  const key = await importJWK({ ...publicKey, d }, ALG);
  return { key, kid: await calculateJwkThumbprint(publicKey), publicKey };
}

function readKey(text: string): z.output<typeof keyShape> {
  try {
    return keyShape.parse(JSON.parse(text));
  } catch (cause) {
    // The cause would repeat the key: it is told nowhere.
    throw new MeshError("internal", "the hub's key for cards is not readable", {
      hint: `take the file ${KEY_NAME} out of the data directory: the hub makes a new key`,
      cause: cause instanceof SyntaxError ? "it is no JSON" : "it is no P-256 key",
    });
  }
}

async function newKey(): Promise<string> {
  const { privateKey } = await generateKeyPair(ALG, { extractable: true });
  const { kty, crv, x, y, d } = await exportJWK(privateKey);
  return JSON.stringify({ kty, crv, x, y, d });
}
