import { describe, expect, it } from "vitest";
import { REVOKED_UNIX_MS } from "../../../src/model/principal.ts";
import { joinAgents, NOW_MS, type StoreFactory, useStores } from "./store-fixture.ts";

/** Behaviour that every KeyStore has. */
export function keyStoreSuite(factory: StoreFactory): void {
  describe("key store", () => {
    describe("keys", () => keyTests(factory));
    describe("secrets", () => secretTests(factory));
  });
}

function keyTests(factory: StoreFactory): void {
  const fixture = useStores(factory);
  const newKey = (hash: string, createdUnixMs: number) => ({
    hash,
    agentId: "alice",
    createdUnixMs,
    expiresUnixMs: undefined,
  });
  const expiry = async (hash: string) => (await fixture.stores.keys.find(hash))?.expiresUnixMs;

  it("lets the old key end after the grace time", async () => {
    await joinAgents(fixture.stores, "alice", "bob");
    await fixture.stores.keys.rotate(newKey("second", NOW_MS + 10), NOW_MS + 100);
    expect(await expiry("key-alice")).toBe(NOW_MS + 100);
    expect(await fixture.stores.keys.find("second")).toEqual(newKey("second", NOW_MS + 10));
    expect(await expiry("key-bob")).toBeUndefined();
    expect(await fixture.stores.keys.find("key-bob")).toBeDefined();
  });

  it("never makes a grace time longer that runs already", async () => {
    await joinAgents(fixture.stores, "alice");
    await fixture.stores.keys.rotate(newKey("second", NOW_MS + 10), NOW_MS + 100);
    await fixture.stores.keys.rotate(newKey("third", NOW_MS + 20), NOW_MS + 110);
    expect(await expiry("key-alice")).toBe(NOW_MS + 100);
    expect(await expiry("second")).toBe(NOW_MS + 110);
    await fixture.stores.keys.rotate(newKey("fourth", NOW_MS + 30), NOW_MS + 30);
    expect(await expiry("key-alice")).toBe(NOW_MS + 30);
    expect(await expiry("third")).toBe(NOW_MS + 30);
  });

  it("forgets keys that ended before a rotation", async () => {
    await joinAgents(fixture.stores, "alice");
    await fixture.stores.keys.rotate(newKey("second", NOW_MS + 10), NOW_MS + 100);
    await fixture.stores.keys.rotate(newKey("third", NOW_MS + 100), NOW_MS + 200);
    expect(await fixture.stores.keys.find("key-alice")).toBeUndefined();
    expect(await expiry("second")).toBe(NOW_MS + 200);
  });

  it("leaves one current key after many rotations at once", async () => {
    await joinAgents(fixture.stores, "alice");
    const hashes = Array.from({ length: 10 }, (_, index) => `hash-${index}`);
    await Promise.all(
      hashes.map((hash) => fixture.stores.keys.rotate(newKey(hash, NOW_MS + 1), NOW_MS + 100)),
    );
    const expiries = await Promise.all(["key-alice", ...hashes].map(expiry));
    expect(expiries.filter((end) => end === undefined)).toHaveLength(1);
    expect(expiries.filter((end) => end === NOW_MS + 100)).toHaveLength(10);
  });

  it("gives no key to an unknown or deleted agent, and none twice", async () => {
    const { keys, agents } = fixture.stores;
    await expect(keys.rotate(newKey("h", NOW_MS), NOW_MS)).rejects.toMatchObject({ code: "not_found" });
    await joinAgents(fixture.stores, "alice");
    const twice = keys.rotate(newKey("key-alice", NOW_MS), NOW_MS);
    await expect(twice).rejects.toMatchObject({ code: "already_exists" });
    expect(await expiry("key-alice"), "the refused rotation changed nothing").toBeUndefined();
    await agents.remove("alice", NOW_MS);
    await expect(keys.rotate(newKey("h", NOW_MS), NOW_MS)).rejects.toMatchObject({ code: "not_found" });
    expect(await keys.find("h")).toBeUndefined();
  });
}

function secretTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("gives the secrets back byte for byte, newest first, after a restart too", async () => {
    expect(await fixture.stores.keys.secrets()).toEqual([]);
    const older = {
      kid: "k1",
      secret: Uint8Array.from({ length: 256 }, (_, byte) => byte),
      createdUnixMs: NOW_MS,
    };
    const newer = { kid: "k0", secret: Uint8Array.of(0, 255), createdUnixMs: NOW_MS + 1 };
    await fixture.stores.keys.addSecret(older);
    await fixture.stores.keys.addSecret({ ...newer, secret: Buffer.from([0, 255]) });
    expect(await fixture.stores.keys.secrets()).toEqual([newer, older]);
    await fixture.reopen();
    expect(await fixture.stores.keys.secrets()).toEqual([newer, older]);
  });

  it("forgets revoked secrets but not their names, for good", async () => {
    const { keys } = fixture.stores;
    const secretOf = (kid: string, createdUnixMs: number) => ({
      kid,
      secret: Uint8Array.of(7),
      createdUnixMs,
    });
    await keys.addSecret(secretOf("a", NOW_MS));
    await keys.addSecret(secretOf("b", NOW_MS + 1));
    await keys.addSecret(secretOf("c", NOW_MS + 2), { revoke: true, forgetReplacedUnixMs: 0 });
    const expected = [
      secretOf("c", NOW_MS + 2),
      { ...secretOf("b", NOW_MS + 1), secret: undefined },
      { ...secretOf("a", NOW_MS), secret: undefined },
    ];
    expect(await keys.secrets()).toEqual(expected);
    await fixture.reopen();
    expect(await fixture.stores.keys.secrets()).toEqual(expected);
  });

  it("forgets secrets that were replaced long ago, and no others", async () => {
    const { keys } = fixture.stores;
    const add = (kid: string, createdUnixMs: number, forgetReplacedUnixMs: number) =>
      keys.addSecret(
        { kid, secret: Uint8Array.of(1), createdUnixMs },
        { revoke: false, forgetReplacedUnixMs },
      );
    await add("a", NOW_MS, 0);
    await add("b", NOW_MS + 10, NOW_MS - 1);
    await add("c", NOW_MS + 20, NOW_MS + 9);
    const kids = async () => (await fixture.stores.keys.secrets()).map(({ kid }) => kid);
    expect(await kids()).toEqual(["c", "b", "a"]);
    await add("d", NOW_MS + 30, NOW_MS + 10);
    expect(await kids()).toEqual(["d", "c", "b"]);
  });

  it("changes nothing of the older ones when the new one is refused", async () => {
    const { keys } = fixture.stores;
    const secret = { kid: "k1", secret: Uint8Array.of(1), createdUnixMs: NOW_MS };
    await keys.addSecret(secret);
    const again = keys.addSecret(secret, { revoke: true, forgetReplacedUnixMs: NOW_MS });
    await expect(again).rejects.toMatchObject({ code: "already_exists" });
    expect(await keys.secrets()).toEqual([secret]);
  });

  it("lets a key end for good, and its grace time too", async () => {
    const { keys } = fixture.stores;
    await joinAgents(fixture.stores, "alice");
    const key = { agentId: "alice", createdUnixMs: NOW_MS, expiresUnixMs: undefined };
    await keys.rotate({ ...key, hash: "second" }, NOW_MS + 100);
    await keys.rotate({ ...key, hash: "third" }, REVOKED_UNIX_MS);
    for (const hash of ["key-alice", "second"]) {
      expect((await keys.find(hash))?.expiresUnixMs).toBe(REVOKED_UNIX_MS);
    }
    expect((await keys.find("third"))?.expiresUnixMs).toBeUndefined();
  });

  it("never replaces a secret", async () => {
    const secret = { kid: "k1", secret: Uint8Array.of(1), createdUnixMs: NOW_MS };
    await fixture.stores.keys.addSecret(secret);
    const again = fixture.stores.keys.addSecret({ ...secret, secret: Uint8Array.of(2) });
    await expect(again).rejects.toMatchObject({ code: "already_exists" });
    expect(await fixture.stores.keys.secrets()).toEqual([secret]);
  });
}
