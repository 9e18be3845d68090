import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/model/principal.ts";
import { digestFromCredential } from "../../../src/registry/credential-digest.ts";
import { ADMIN, ADMIN_TOKEN, asAgent, callAs, codeOf, createFixture, START_MS } from "./registry-fixture.ts";

const HERE = "192.0.2.1";
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const JWT_SECRET = "a secret of more than thirty-two characters";
const lenient = { limits: { plan: "open" as const, attemptsPerMinute: 10_000 } };

describe("authenticate", () => {
  it("knows the operator, strangers and nobody else", async () => {
    const { api } = createFixture();
    expect(await api.authenticate(ADMIN_TOKEN, HERE)).toEqual(ADMIN);
    expect(await api.authenticate(undefined, HERE)).toEqual(ANONYMOUS);
    for (const wrong of ["", " ", ADMIN_TOKEN.slice(1), `${ADMIN_TOKEN} `, "mk_"]) {
      expect(await codeOf(api.authenticate(wrong, HERE))).toBe("unauthenticated");
    }
  });

  it("has no operator without an operator's token", async () => {
    for (const adminToken of [undefined, ""]) {
      const { api } = createFixture({ adminToken });
      expect(await codeOf(api.authenticate("", HERE))).toBe("unauthenticated");
      expect(await codeOf(api.authenticate("undefined", HERE))).toBe("unauthenticated");
    }
  });

  it("lets right credentials in whatever others at the address try, and the operator always", async () => {
    const { api, join } = createFixture();
    const { apiKey, token } = await join("alice");
    await api.authenticate(token, HERE);
    await api.authenticate(apiKey, HERE);
    for (let count = 0; count < 200; count += 1) await codeOf(api.authenticate(`mk_${count}`, HERE));
    expect(await codeOf(api.authenticate("mk_wrong", HERE))).toBe("rate_limited");
    expect(await api.authenticate(token, HERE)).toMatchObject({ agentId: "alice" });
    expect(await api.authenticate(apiKey, HERE)).toMatchObject({ agentId: "alice" });
    expect(await api.authenticate(ADMIN_TOKEN, HERE)).toEqual(ADMIN);
  });

  it("does not take an agent whose token ended for one who guesses", async () => {
    const { api, join, clock } = createFixture();
    const { token } = await join("alice");
    clock.advance(DAY_MS);
    for (let count = 0; count < 20; count += 1) {
      expect(await codeOf(api.authenticate(token, HERE))).toBe("unauthenticated");
    }
    expect(await codeOf(api.authenticate("mk_wrong", HERE))).toBe("unauthenticated");
  });

  it("makes the agent count as online", async () => {
    const { api, join, clock, registry } = createFixture();
    const { token } = await join("alice");
    clock.advance(HOUR_MS);
    expect(registry.presence.isOnline("alice")).toBe(false);
    await api.authenticate(token, HERE);
    expect(registry.presence.isOnline("alice")).toBe(true);
  });

  it("refuses key and token of a removed agent at once, remembered or not", async () => {
    const { api, join, restarted } = createFixture(lenient);
    const { apiKey, token } = await join("alice");
    await api.authenticate(token, HERE);
    await api.authenticate(apiKey, HERE);
    await api.deleteAgent(callAs(asAgent("alice")), "alice");
    for (const hub of [api, restarted().api]) {
      expect(await codeOf(hub.authenticate(token, HERE))).toBe("unauthenticated");
      expect(await codeOf(hub.authenticate(apiKey, HERE))).toBe("unauthenticated");
    }
  });

  it("reports a store that is away as that, not as a wrong credential", async () => {
    const { api, stores, restarted } = createFixture();
    const away = { ...stores.keys, find: () => Promise.reject(new Error("away")) };
    const broken = restarted({ stores: { ...stores, keys: away } });
    await expect(broken.api.authenticate("mk_any", HERE)).rejects.toThrow("away");
    expect(await codeOf(api.authenticate("mk_any", HERE))).toBe("unauthenticated");
  });
});

describe("rotating the key", () => {
  it("lets the old key and its tokens live an hour more, also when they are remembered", async () => {
    const { api, join, clock, restarted } = createFixture(lenient);
    const { apiKey, token } = await join("alice");
    await api.authenticate(apiKey, HERE);
    await api.authenticate(token, HERE);
    const rotated = await api.rotateKey(callAs(asAgent("alice")));
    expect(rotated.oldKeyExpiresUnixMs).toBe(START_MS + HOUR_MS);
    const inGrace = { agentId: "alice", expiresUnixMs: START_MS + HOUR_MS };
    expect(await api.authenticate(rotated.apiKey, HERE)).toEqual(asAgent("alice", rotated.apiKey));
    expect(await api.authenticate(apiKey, HERE)).toMatchObject(inGrace);
    expect(await api.authenticate(token, HERE)).toMatchObject(inGrace);
    clock.advance(HOUR_MS);
    for (const hub of [api, restarted().api]) {
      expect(await codeOf(hub.authenticate(apiKey, HERE))).toBe("unauthenticated");
      expect(await codeOf(hub.authenticate(token, HERE))).toBe("unauthenticated");
      expect(await codeOf(hub.register(callAs(ANONYMOUS), { agentId: "alice", apiKey }))).toBe(
        "unauthenticated",
      );
      expect(await hub.authenticate(rotated.apiKey, HERE)).toMatchObject({ expiresUnixMs: undefined });
    }
  });

  it("is heard by a key that is being looked up at that very moment", async () => {
    const { join, stores, restarted, clock } = createFixture();
    const { apiKey } = await join("alice");
    const gate = Promise.withResolvers<void>();
    const keys = {
      ...stores.keys,
      async find(hash: string) {
        const found = await stores.keys.find(hash);
        await gate.promise;
        return found;
      },
    };
    const { api } = restarted({ stores: { ...stores, keys } });
    const early = api.authenticate(apiKey, HERE);
    await api.rotateKey(callAs(asAgent("alice")));
    gate.resolve();
    await early;
    clock.advance(HOUR_MS);
    expect(await codeOf(api.authenticate(apiKey, HERE))).toBe("unauthenticated");
  });
});

describe("tokens", () => {
  it("survive a restart with a secret that the hub made, and not the secret's 24 hours", async () => {
    const { api, join, clock, restarted, stores } = createFixture();
    const { token } = await join("alice");
    const [secret, ...more] = await stores.keys.secrets();
    expect(more).toEqual([]);
    expect(secret?.secret?.byteLength).toBe(32);
    expect(await restarted().api.authenticate(token, HERE)).toMatchObject({ agentId: "alice" });
    clock.advance(DAY_MS - 1);
    expect(await api.authenticate(token, HERE)).toMatchObject({ agentId: "alice" });
    clock.advance(1);
    expect(await codeOf(api.authenticate(token, HERE))).toBe("unauthenticated");
  });

  it("of a replaced secret live on until they end, here and on another node", async () => {
    const { api, join, clock, registry, restarted } = createFixture();
    const { apiKey, token } = await join("alice");
    const elsewhere = restarted().api;
    await elsewhere.authenticate(token, HERE);
    clock.advance(HOUR_MS);
    await registry.rotateTokenSecret({ revokeNow: false });
    const fresh = await api.register(callAs(ANONYMOUS), { agentId: "alice", apiKey });
    expect(kidOf(fresh.token)).not.toBe(kidOf(token));
    for (const hub of [api, elsewhere, restarted().api]) {
      expect(await hub.authenticate(token, HERE)).toMatchObject({ agentId: "alice" });
      expect(await hub.authenticate(fresh.token, HERE)).toMatchObject({ agentId: "alice" });
    }
    clock.advance(DAY_MS - HOUR_MS);
    expect(await codeOf(restarted().api.authenticate(token, HERE))).toBe("unauthenticated");
    expect(await codeOf(restarted().api.authenticate(fresh.token, HERE))).toBe("no error");
  });

  it("end all at once when the operator changes the secret in the configuration", async () => {
    const fixture = createFixture({ jwtSecret: JWT_SECRET });
    const { token } = await fixture.join("alice");
    expect(await fixture.stores.keys.secrets()).toEqual([]);
    expect(await codeOf(fixture.restarted().api.authenticate(token, HERE))).toBe("no error");
    const changed = fixture.restarted({ jwtSecret: `${JWT_SECRET}!` });
    expect(await codeOf(changed.api.authenticate(token, HERE))).toBe("unauthenticated");
    expect(await codeOf(fixture.registry.rotateTokenSecret({ revokeNow: true }))).toBe("invalid_argument");
  });

  it("can be issued again after the store failed once", async () => {
    const { stores, restarted } = createFixture();
    let isAway = true;
    const keys = {
      ...stores.keys,
      secrets: () => (isAway ? Promise.reject(new Error("away")) : stores.keys.secrets()),
    };
    const { join, api } = restarted({ stores: { ...stores, keys } });
    await expect(join("alice")).rejects.toThrow("away");
    isAway = false;
    const { token } = await join("bob");
    expect(await api.authenticate(token, HERE)).toMatchObject({ agentId: "bob" });
  });
});

function kidOf(token: string): unknown {
  return JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString()).kid;
}

function jwt(header: object, claims: object, secret: string, hash = "sha256"): string {
  const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString("base64url");
  const signed = `${part(header)}.${part(claims)}`;
  return `${signed}.${createHmac(hash, secret).update(signed).digest("base64url")}`;
}

describe("hostile tokens", () => {
  const nowS = START_MS / 1_000;

  /** A hub whose secret the test knows, so that it can sign what it likes. */
  async function createHostile() {
    const fixture = createFixture({ jwtSecret: JWT_SECRET, ...lenient });
    const { token, apiKey } = await fixture.join("alice");
    const victim = await fixture.join("victim");
    const header = { alg: "HS256", typ: "JWT", kid: kidOf(token) };
    const claims = {
      key: digestFromCredential(apiKey).hex,
      sub: "alice",
      iss: "hub.test",
      iat: nowS,
      exp: nowS + 60,
    };
    const check = (bearer: string): Promise<unknown> =>
      fixture.api.authenticate(bearer, HERE).catch((thrown: unknown) => thrown);
    return { ...fixture, token, apiKey, victim, header, claims, check };
  }

  it("has a test that can sign right ones", async () => {
    const { check, header, claims } = await createHostile();
    expect(await check(jwt(header, claims, JWT_SECRET))).toMatchObject({
      agentId: "alice",
      expiresUnixMs: (nowS + 60) * 1_000,
    });
  });

  it("are all refused, with one and the same answer", async () => {
    const { check, header, claims, token, apiKey, victim } = await createHostile();
    const [head = "", body = "", signature = ""] = token.split(".");
    const unsigned = (alg: string): string =>
      `${Buffer.from(JSON.stringify({ ...header, alg })).toString("base64url")}.${body}.`;
    const without = (name: string): object =>
      Object.fromEntries(Object.entries(claims).filter(([key]) => key !== name));
    const hostile: Readonly<Record<string, string>> = {
      "no algorithm": unsigned("none"),
      "no algorithm, spelt oddly": unsigned("nOnE"),
      "no signature": `${head}.${body}.`,
      "no signature part": `${head}.${body}`,
      "another algorithm of the same secret": jwt({ ...header, alg: "HS512" }, claims, JWT_SECRET, "sha512"),
      "a public-key algorithm": jwt({ ...header, alg: "RS256" }, claims, JWT_SECRET),
      "a kid of nobody": jwt({ ...header, kid: "other" }, claims, JWT_SECRET),
      "a kid that is a path": jwt({ ...header, kid: "../../../dev/null" }, claims, ""),
      "a kid that is no text": jwt({ ...header, kid: ["x"] }, claims, JWT_SECRET),
      "no kid": jwt({ alg: "HS256" }, claims, JWT_SECRET),
      "a key of its own": jwt({ ...header, jwk: { kty: "oct", k: "AAAA" } }, claims, "\0\0\0"),
      "an unknown critical header": jwt({ ...header, crit: ["b64"], b64: false }, claims, JWT_SECRET),
      "another secret": jwt(header, claims, "another secret of more than 32 characters"),
      "the secret's kid as secret": jwt(header, claims, String(header.kid)),
      "another hub's": jwt(header, { ...claims, iss: "other.test" }, JWT_SECRET),
      "several hubs'": jwt(header, { ...claims, iss: ["hub.test"] }, JWT_SECRET),
      "nobody's hub": jwt(header, without("iss"), JWT_SECRET),
      ended: jwt(header, { ...claims, exp: nowS }, JWT_SECRET),
      "without an end": jwt(header, without("exp"), JWT_SECRET),
      "with an end that is no number": jwt(header, { ...claims, exp: "9999999999" }, JWT_SECRET),
      "not valid yet": jwt(header, { ...claims, nbf: nowS + 10 }, JWT_SECRET),
      "without an agent": jwt(header, without("sub"), JWT_SECRET),
      "without a key": jwt(header, without("key"), JWT_SECRET),
      "with an agent that is no text": jwt(header, { ...claims, sub: { a: 1 } }, JWT_SECRET),
      "of an unknown agent": jwt(header, { ...claims, sub: "nobody" }, JWT_SECRET),
      "of the operator": jwt(header, { ...claims, sub: "admin" }, JWT_SECRET),
      "of another agent than its key": jwt(header, { ...claims, sub: "victim" }, JWT_SECRET),
      "of an unknown key": jwt(header, { ...claims, key: "0".repeat(64) }, JWT_SECRET),
      "with another body": `${head}.${victim.token.split(".")[1]}.${signature}`,
      "cut off": token.slice(0, -1),
      "cut in half": token.slice(0, token.length / 2),
      "longer than it is": `${token}A`,
      "in spaces": ` ${token} `,
      "in five parts": `${token}.x.y`,
      dots: "..",
      "a megabyte": `${head}.${"A".repeat(1_000_000)}.${signature}`,
      "a megabyte of dots": ".".repeat(1_000_000),
      "a key cut off": apiKey.slice(0, -1),
      "a key's hash": digestFromCredential(apiKey).hex,
      "a key of a megabyte": `mk_${"x".repeat(1_000_000)}`,
      "not text of this world": "mk_\ud800\0\uffff",
    };
    const first = await check("wrong");
    for (const [what, bearer] of Object.entries(hostile)) {
      const answer = await check(bearer);
      expect(answer, what).toMatchObject({ code: "unauthenticated" });
      expect({ ...Object(answer) }, what).toEqual({ ...Object(first) });
      expect(String(answer), what).toBe(String(first));
    }
    expect(await check(token)).toMatchObject({ agentId: "alice" });
  });

  it("does not look for new secrets at every token of an unknown kid", async () => {
    const { join, stores, restarted, clock } = createFixture(lenient);
    await join("alice");
    let reads = 0;
    const keys = {
      ...stores.keys,
      secrets() {
        reads += 1;
        return stores.keys.secrets();
      },
    };
    const { api } = restarted({ stores: { ...stores, keys } });
    const wrong = jwt({ alg: "HS256", kid: "x" }, {}, "secret");
    for (let count = 0; count < 100; count += 1) await codeOf(api.authenticate(wrong, HERE));
    expect(reads).toBe(1);
    clock.advance(10_000);
    for (let count = 0; count < 100; count += 1) await codeOf(api.authenticate(wrong, HERE));
    expect(reads).toBe(2);
  });
});
