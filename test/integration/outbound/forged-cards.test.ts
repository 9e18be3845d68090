import { createHmac, createPublicKey } from "node:crypto";
import type { ServerResponse } from "node:http";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { canonicalJson } from "../../../adapters/a2a/canonical-json.ts";
import type { JsonObject } from "../../../src/model/json.ts";
import { openSigner, type TestSigner } from "../../support/card-signer.ts";
import { CARD, type CardStage, type Json, openCardStage, openServer, sendCard } from "./card-stage.ts";

let stage: CardStage;

beforeAll(async () => {
  stage = await openCardStage();
});

afterAll(async () => {
  expect(stage.hub.log()).not.toContain('"level":"error"');
  await stage[Symbol.asyncDispose]();
});

const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString("base64url");

const signed = (head: Json, signature: string): Json => ({
  ...CARD,
  signatures: [{ protected: base64url(head), signature }],
});

/** The protected header of a card that was signed, and its signature. */
function signatureOf(card: Json): { readonly head: Json; readonly signature: string } {
  const [{ protected: head, signature }] = card["signatures"] as [{ protected: string; signature: string }];
  return { head: JSON.parse(Buffer.from(head, "base64url").toString("utf8")), signature };
}

/** HMAC with what everybody knows, as a verifier computes it that takes the key for whatever the header says. */
function hmacBy(secret: string | Buffer, { kid, jku }: TestSigner): Json {
  const head = { alg: "HS256", kid, jku };
  const payload = Buffer.from(canonicalJson(CARD as JsonObject)).toString("base64url");
  const mac = createHmac("sha256", secret)
    .update(`${base64url(head)}.${payload}`)
    .digest("base64url");
  return signed(head, mac);
}

const NOW_S = Math.floor(Date.now() / 1000);

/** What is wrong with the signature: a card by the signer, and the reason that is told. */
const FORGED: readonly (readonly [string, (signer: TestSigner) => Json | Promise<Json>, RegExp])[] = [
  [
    "by another key of the same name",
    async (signer) => (await openSigner()).sign(CARD, { jku: signer.jku }),
    /verification failed/,
  ],
  [
    "of another card",
    async (signer) => ({ ...CARD, ...signaturesOf(await signer.sign({ ...CARD, name: "Other" })) }),
    /verification failed/,
  ],
  [
    "with another word in the protected header",
    async (signer) => {
      const { head, signature } = signatureOf(await signer.sign(CARD));
      return signed({ ...head, typ: "JWT" }, signature);
    },
    /verification failed/,
  ],
  ["that is none", ({ kid, jku }) => signed({ alg: "none", kid, jku }, ""), /algorithm none is not taken/],
  [
    "by HMAC with the public key as JWK",
    (signer) => hmacBy(JSON.stringify(signer.publicKey), signer),
    /algorithm HS256 is not taken/,
  ],
  [
    "by HMAC with the public key as PEM",
    (signer) => hmacBy(pemOf(signer), signer),
    /algorithm HS256 is not taken/,
  ],
  [
    "by a key that is not in the set",
    (signer) => signer.sign(CARD, { kid: "nobody" }),
    /does not hold the key/,
  ],
  [
    "by a key of whose name there are two",
    async (signer) => {
      signer.keys = [(await openSigner()).publicKey, ...signer.keys];
      return signer.sign(CARD);
    },
    /more than one key of that name/,
  ],
  [
    "by a key for another algorithm",
    (signer) => {
      signer.keys = [{ ...signer.publicKey, alg: "ES512" }];
      return signer.sign(CARD);
    },
    /key is for ES512/,
  ],
  [
    "by a key for encryption",
    (signer) => {
      signer.keys = [{ ...signer.publicKey, use: "enc" }];
      return signer.sign(CARD);
    },
    /not for signatures/,
  ],
  [
    "whose key set publishes a shared secret",
    (signer) => {
      signer.keys = [{ kty: "oct", k: "AAAA", kid: signer.kid }];
      return signer.sign(CARD);
    },
    /does not hold the key/,
  ],
  [
    "that does not name its key",
    (signer) => signer.sign(CARD, { kid: undefined }),
    /kid is not what it should be/,
  ],
  [
    "that does not say where its key is",
    (signer) => signer.sign(CARD, { jku: undefined }),
    /where its key is/,
  ],
  [
    "whose key is at a private address",
    (signer) => signer.sign(CARD, { jku: "http://10.0.0.1/keys" }),
    /does not call 10\.0\.0\.1/,
  ],
  [
    "whose key is where clouds keep their secrets",
    (signer) => signer.sign(CARD, { jku: "http://169.254.169.254/latest" }),
    /does not call 169\.254\.169\.254/,
  ],
  [
    "whose key is in a file",
    (signer) => signer.sign(CARD, { jku: "file:///etc/passwd" }),
    /jku is not what it should be/,
  ],
  ["that has expired", (signer) => signer.sign(CARD, { exp: NOW_S - 60 }), /has expired/],
  ["of a time to come", (signer) => signer.sign(CARD, { iat: NOW_S + 86_400 }), /time to come/],
  [
    "that wants what nobody here knows",
    async (signer) => {
      const { head, signature } = signatureOf(await signer.sign(CARD));
      return signed({ ...head, crit: ["x"], x: 1 }, signature);
    },
    /not recognized/,
  ],
  ["that is no base64", ({ kid, jku, alg }) => signed({ alg, kid, jku }, "***"), /not good/],
  [
    "that is a number",
    () => ({ ...CARD, signatures: [{ protected: 1, signature: 2 }] }),
    /not what it should be/,
  ],
  [
    "five times",
    async (signer) => {
      const [one] = (await signer.sign(CARD))["signatures"] as Json[];
      return { ...CARD, signatures: Array(5).fill(one) };
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

describe("a card with a signature", () => {
  it.each(FORGED)("%s is not taken", async (_name, cardBy, reason) => {
    const signer = await openSigner();
    const told = await stage.refusalOf(sendCard(await cardBy(signer)));
    expect(told).toMatch(reason);
    expect(told).toMatch(/signature/);
  });

  it("for which two cards would be one is not taken", async () => {
    const signer = await openSigner();
    // As it is read, the one number is an infinity, and is written as null.
    const given = await signer.sign({ ...CARD, weight: null });
    const told = await stage.refusalOf(
      sendCard(JSON.stringify(given).replace('"weight":null', '"weight":1e999')),
    );
    expect(told).toMatch(/a number that JSON has not/);
  });

  it.each([
    ["is not there", (response: ServerResponse) => response.writeHead(404).end(), /key set answers 404/],
    ["is a page", (response: ServerResponse) => response.end("<html>"), /key set is none/],
    ["is huge", (response: ServerResponse) => response.end("[".repeat(300_000)), /more than 262144 bytes/],
    ["breaks off", (response: ServerResponse) => response.destroy(), /cannot be fetched/],
  ])("whose key set %s is not taken", async (_name, serveKeys, reason) => {
    const signer = await openSigner();
    const server = await openServer((response) => void serveKeys(response));
    const told = await stage.refusalOf(sendCard(await signer.sign(CARD, { jku: server.url })));
    expect(told).toMatch(reason);
  });

  it.each(["ES384", "EdDSA", "RS256", "PS256"])("by %s that is good is taken", async (alg) => {
    const signer = await openSigner({ alg });
    const server = await openServer(sendCard(await signer.sign(CARD)));
    const status = await stage.statusIs(await stage.reach(server.url), "reachable");
    expect(status["key"]).toBe(signer.thumbprint);
  });

  it("that is good among others that are not is taken by the good one", async () => {
    const [good, bad] = [await openSigner(), await openSigner()];
    const [one] = (await good.sign(CARD))["signatures"] as Json[];
    const [other] = (await bad.sign({ ...CARD, name: "Other" }))["signatures"] as Json[];
    const [unreachable] = (await bad.sign(CARD, { jku: "http://127.0.0.1:9/" }))["signatures"] as Json[];
    const server = await openServer(sendCard({ ...CARD, signatures: [other, unreachable, one] }));
    expect((await stage.statusIs(await stage.reach(server.url), "reachable"))["key"]).toBe(good.thumbprint);
  });

  it("that was made before the one that is known is somebody's who kept it", async () => {
    const signer = await openSigner();
    const issued = async (iat: number | undefined, name: string) =>
      sendCard(await signer.sign({ ...CARD, name }, { iat }));
    let serve = await issued(NOW_S - 100, "Current");
    const server = await openServer((response, request) => serve(response, request));
    const agent = await stage.reach(server.url);
    await stage.statusIs(agent, "reachable");
    serve = await issued(NOW_S - 200, "Stale");
    const stale = await stage.statusIs(agent, "unreachable");
    expect(stale["reason"]).toMatch(/signed before the one that is known/);
    expect((await stage.alice.get(`/agents/${agent.agentId}`)).text).not.toContain("Stale");
    serve = await issued(NOW_S - 50, "Next");
    expect((await stage.statusIs(agent, "reachable"))["name"]).toBe("Next");
    // One that does not say when it was made may be as old as it likes.
    serve = await issued(undefined, "Undated");
    await stage.statusIs(agent, "unreachable");
  });
});
