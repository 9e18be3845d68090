import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { AgentPrincipal, Principal } from "../../../src/model/principal.ts";
import { ANONYMOUS, unauthenticated } from "../../../src/model/principal.ts";
import type { CredentialEnd } from "../../../src/ports/credential-watch.ts";
import { callAs, codeOf, createFixture, type RegistryFixture } from "./registry-fixture.ts";

const HERE = "192.0.2.1";
const HOUR_MS = 3_600_000;
const DAY_MS = 86_400_000;
const ADMIN: Principal = { kind: "admin" };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

/** What was told to one who watches. */
interface Watching {
  readonly told: CredentialEnd[];
  readonly stop: () => void;
}

async function principalOf(fixture: RegistryFixture, bearer: string): Promise<AgentPrincipal> {
  const principal = await fixture.api.authenticate(bearer, HERE);
  if (principal.kind !== "agent") throw new Error(`not an agent: ${principal.kind}`);
  return principal;
}

async function watchAs(fixture: RegistryFixture, bearer: string): Promise<Watching> {
  return watchFor(fixture, await principalOf(fixture, bearer));
}

/** As who opens something does. @throws MeshError unauthenticated */
async function watchFor({ registry }: RegistryFixture, principal: AgentPrincipal): Promise<Watching> {
  const told: CredentialEnd[] = [];
  const watched = await registry.credentialWatch.watch(principal);
  if (watched.hasEnded) throw unauthenticated();
  watched.opened = { end: (why) => told.push(why) };
  return { told, stop: () => watched.stop() };
}

/** Both clocks go on: the held one that says what time it is, and the timers. */
async function goOn({ clock }: RegistryFixture, ms: number): Promise<void> {
  clock.advance(ms);
  await vi.advanceTimersByTimeAsync(ms);
}

async function fixtureWithAgents() {
  const fixture = createFixture();
  const alice = await fixture.join("alice");
  const bob = await fixture.join("bob");
  return { fixture, alice, bob };
}

describe("a watched credential", () => {
  it("ends when the key is replaced at once, and its tokens with it, but nobody else's", async () => {
    const { fixture, alice, bob } = await fixtureWithAgents();
    const ended = [await watchAs(fixture, alice.apiKey), await watchAs(fixture, alice.token)];
    const other = await watchAs(fixture, bob.token);
    const { apiKey } = await fixture.api.rotateKey(callAs(await principalOf(fixture, alice.apiKey)), {
      revokeNow: true,
    });
    expect(ended.map(({ told }) => told)).toEqual([["revoked"], ["revoked"]]);
    const fresh = await watchAs(fixture, apiKey);
    await fixture.api.rotateKey(callAs(await principalOf(fixture, bob.apiKey)), { revokeNow: true });
    expect(other.told).toEqual(["revoked"]);
    await goOn(fixture, 2 * DAY_MS);
    expect(fresh.told).toEqual([]);
    expect(ended.map(({ told }) => told.length)).toEqual([1, 1]);
  });

  it("lasts for the grace time when the key is replaced, and no longer", async () => {
    const { fixture, alice } = await fixtureWithAgents();
    const [key, token] = [await watchAs(fixture, alice.apiKey), await watchAs(fixture, alice.token)];
    await fixture.api.rotateKey(callAs(await principalOf(fixture, alice.apiKey)));
    fixture.clock.advance(HOUR_MS - 5_000);
    await goOn(fixture, 4_999);
    expect([key.told, token.told]).toEqual([[], []]);
    await goOn(fixture, 1);
    expect([key.told, token.told]).toEqual([["expired"], ["expired"]]);
    expect(vi.getTimerCount()).toBe(0);
  });

  it("ends on time when the token does", async () => {
    const { fixture, alice } = await fixtureWithAgents();
    const token = await watchAs(fixture, alice.token);
    fixture.clock.advance(DAY_MS - 5_000);
    await goOn(fixture, 4_999);
    expect(token.told).toEqual([]);
    await goOn(fixture, 1);
    expect(token.told).toEqual(["expired"]);
  });

  it("ends within a second when the clock jumps over its end", async () => {
    const { fixture, alice } = await fixtureWithAgents();
    const token = await watchAs(fixture, alice.token);
    fixture.clock.advance(DAY_MS);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(token.told).toEqual(["expired"]);
  });

  it("ends with the agent", async () => {
    const { fixture, alice, bob } = await fixtureWithAgents();
    const [key, other] = [await watchAs(fixture, alice.apiKey), await watchAs(fixture, bob.apiKey)];
    await fixture.api.deleteAgent(callAs(ADMIN), "alice");
    expect([key.told, other.told]).toEqual([["revoked"], []]);
  });

  it("ends with the secret that signed the token; keys and newer tokens go on", async () => {
    const { fixture, alice, bob } = await fixtureWithAgents();
    const [key, token] = [await watchAs(fixture, alice.apiKey), await watchAs(fixture, alice.token)];
    const other = await watchAs(fixture, bob.token);
    await fixture.registry.rotateTokenSecret({ revokeNow: false });
    const newer = await fixture.api.register(callAs(ANONYMOUS), { agentId: "alice", apiKey: alice.apiKey });
    expect([key.told, token.told, other.told]).toEqual([[], [], []]);
    await fixture.registry.rotateTokenSecret({ revokeNow: true });
    expect([key.told, token.told, other.told]).toEqual([[], ["revoked"], ["revoked"]]);
    expect(await codeOf(fixture.api.authenticate(newer.token, HERE))).toBe("unauthenticated");
  });

  it("tells nothing to who stopped watching, and keeps nothing of it", async () => {
    const { fixture, alice } = await fixtureWithAgents();
    const token = await watchAs(fixture, alice.token);
    expect(vi.getTimerCount()).toBe(1);
    token.stop();
    token.stop();
    expect(vi.getTimerCount()).toBe(0);
    await fixture.api.deleteAgent(callAs(ADMIN), "alice");
    expect(token.told).toEqual([]);
  });
});

describe("a credential that ends between the door and the watch", () => {
  it.each([
    [
      "is replaced",
      (f: RegistryFixture, p: AgentPrincipal) => f.api.rotateKey(callAs(p), { revokeNow: true }),
    ],
    ["loses its agent", (f: RegistryFixture) => f.api.deleteAgent(callAs(ADMIN), "alice")],
    ["loses its secret", (f: RegistryFixture) => f.registry.rotateTokenSecret({ revokeNow: true })],
  ])("is refused when it %s", async (_what, end) => {
    const { fixture, alice } = await fixtureWithAgents();
    const principal = await principalOf(fixture, alice.token);
    const watch = () => watchFor(fixture, principal);
    const later = async (turns: number): Promise<Watching> => {
      for (let turn = 0; turn < turns; turn++) await Promise.resolve();
      return watch();
    };
    const watching = Array.from({ length: 20 }, (_, turns) => later(turns));
    await end(fixture, principal);
    // Each of them is refused, or opened and then told: none is left open.
    for (const one of await Promise.allSettled(watching)) {
      if (one.status === "fulfilled") expect(one.value.told).toEqual(["revoked"]);
      else expect(one.reason).toMatchObject({ code: "unauthenticated" });
    }
    expect(await codeOf(watch())).toBe("unauthenticated");
    expect(vi.getTimerCount()).toBe(0);
  });

  it("has the end that it was given meanwhile", async () => {
    const { fixture, alice } = await fixtureWithAgents();
    const principal = await principalOf(fixture, alice.apiKey);
    await fixture.api.rotateKey(callAs(principal));
    const { told } = await watchFor(fixture, principal);
    await goOn(fixture, HOUR_MS);
    expect(told).toEqual(["expired"]);
  });
});

describe("what was revoked", () => {
  it("stays so over a restart and when the clock is set back", async () => {
    const { fixture, alice } = await fixtureWithAgents();
    await fixture.api.rotateKey(callAs(await principalOf(fixture, alice.apiKey)), { revokeNow: true });
    fixture.clock.advance(-HOUR_MS);
    for (const { api } of [fixture, fixture.restarted()]) {
      expect(await codeOf(api.authenticate(alice.apiKey, HERE))).toBe("unauthenticated");
      expect(await codeOf(api.authenticate(alice.token, HERE))).toBe("unauthenticated");
    }
  });

  it("is no guess, whoever shows it how often", async () => {
    const { fixture, alice } = await fixtureWithAgents();
    await fixture.registry.rotateTokenSecret({ revokeNow: true });
    const restarted = fixture.restarted();
    for (const { api } of [fixture, restarted]) {
      for (let count = 0; count < 20; count++) {
        expect(await codeOf(api.authenticate(alice.token, HERE))).toBe("unauthenticated");
      }
      expect(await codeOf(api.authenticate("mk_wrong", HERE))).toBe("unauthenticated");
    }
  });

  it("lets newer secrets sign although the clock was set back", async () => {
    const { fixture, alice } = await fixtureWithAgents();
    fixture.clock.advance(-HOUR_MS);
    const { kid } = await fixture.registry.rotateTokenSecret({ revokeNow: false });
    const { token } = await fixture.api.register(callAs(ANONYMOUS), {
      agentId: "alice",
      apiKey: alice.apiKey,
    });
    const header = JSON.parse(Buffer.from(token.split(".")[0] ?? "", "base64url").toString());
    expect(header.kid).toBe(kid);
  });
});
