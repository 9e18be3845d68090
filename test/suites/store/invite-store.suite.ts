import { describe, expect, it } from "vitest";
import {
  agentRecord,
  inviteRecord,
  joinAgents,
  NOW_MS,
  numbered,
  type StoreFactory,
  useStores,
} from "./store-fixture.ts";

/** Behaviour that every InviteStore has. */
export function inviteStoreSuite(factory: StoreFactory): void {
  describe("invite store", () => {
    describe("invites", () => recordTests(factory));
    describe("join", () => joinTests(factory));
    describe("joins at once", () => concurrencyTests(factory));
  });
}

function recordTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("gives an invite back as it was created, after a restart too", async () => {
    const invite = inviteRecord("n1", { createdBy: "alice", maxUses: 7, uses: 2, capabilities: ["a", "ü"] });
    await fixture.stores.invites.create(invite);
    expect(await fixture.stores.invites.find("n1")).toEqual(invite);
    await fixture.reopen();
    expect(await fixture.stores.invites.find("n1")).toEqual(invite);
    expect(await fixture.stores.invites.find("n2")).toBeUndefined();
  });

  it("refuses a nonce that is there", async () => {
    await fixture.stores.invites.create(inviteRecord("n1"));
    const again = fixture.stores.invites.create(inviteRecord("n1", { maxUses: 9 }));
    await expect(again).rejects.toMatchObject({ code: "already_exists" });
    expect(await fixture.stores.invites.find("n1")).toMatchObject({ maxUses: 1 });
  });

  it("lists all or one creator's, newest first", async () => {
    for (const [index, createdBy] of ["alice", "bob", "alice"].entries()) {
      await fixture.stores.invites.create(
        inviteRecord(`n${index}`, { createdBy, createdUnixMs: NOW_MS + index }),
      );
    }
    const nonces = async (createdBy: string | undefined) =>
      (await fixture.stores.invites.list(createdBy)).map((invite) => invite.nonce);
    expect(await nonces(undefined)).toEqual(["n2", "n1", "n0"]);
    expect(await nonces("alice")).toEqual(["n2", "n0"]);
    expect(await nonces("carol")).toEqual([]);
  });

  it("lists at most 1,000", async () => {
    const made = numbered("n", 1002).map((nonce, index) =>
      fixture.stores.invites.create(inviteRecord(nonce, { createdUnixMs: NOW_MS + index })),
    );
    await Promise.all(made);
    const listed = await fixture.stores.invites.list(undefined);
    expect(listed).toHaveLength(1000);
    expect(listed[0]?.nonce).toBe("n01001");
  });

  it("remembers that one was revoked", async () => {
    await fixture.stores.invites.create(inviteRecord("n1"));
    await fixture.stores.invites.revoke("n1");
    await fixture.stores.invites.revoke("unknown");
    expect(await fixture.stores.invites.find("n1")).toMatchObject({ revoked: true, uses: 0 });
  });
}

function joinTests(factory: StoreFactory): void {
  const fixture = useStores(factory);
  const join = (nonce: string, agentId: string, nowMs = NOW_MS) =>
    fixture.stores.invites.join(nonce, agentRecord(agentId), `key-${agentId}`, nowMs);

  it("makes agent and key, and counts the use", async () => {
    await fixture.stores.invites.create(inviteRecord("n", { maxUses: 2 }));
    expect(await join("n", "alice")).toBe("joined");
    expect(await fixture.stores.agents.find("alice")).toEqual(agentRecord("alice"));
    expect(await fixture.stores.keys.find("key-alice")).toEqual({
      hash: "key-alice",
      agentId: "alice",
      createdUnixMs: NOW_MS,
      expiresUnixMs: undefined,
    });
    expect(await fixture.stores.invites.find("n")).toMatchObject({ uses: 1 });
  });

  it("refuses an unknown nonce and leaves nothing", async () => {
    expect(await join("unknown", "alice")).toBe("unknown_nonce");
    expect(await fixture.stores.agents.find("alice")).toBeUndefined();
    expect(await fixture.stores.keys.find("key-alice")).toBeUndefined();
  });

  it("refuses an invite that is used up, expired or revoked", async () => {
    await fixture.stores.invites.create(inviteRecord("used"));
    await fixture.stores.invites.create(inviteRecord("expired", { expiresUnixMs: NOW_MS }));
    await fixture.stores.invites.create(inviteRecord("revoked"));
    await fixture.stores.invites.revoke("revoked");
    expect(await join("used", "alice")).toBe("joined");
    for (const nonce of ["used", "expired", "revoked"]) {
      expect(await join(nonce, "bob"), nonce).toBe("spent_nonce");
      expect(await join(nonce, "alice"), `${nonce}, id taken`).toBe("spent_nonce");
    }
    expect(await fixture.stores.agents.find("bob")).toBeUndefined();
  });

  it("works until the moment before it expires", async () => {
    await fixture.stores.invites.create(inviteRecord("n", { expiresUnixMs: NOW_MS + 1, maxUses: 2 }));
    expect(await join("n", "alice", NOW_MS)).toBe("joined");
    expect(await join("n", "bob", NOW_MS + 1)).toBe("spent_nonce");
  });

  it("spends nothing on an id that is taken, by a living agent or a tombstone", async () => {
    await joinAgents(fixture.stores, "alice", "bob");
    await fixture.stores.agents.remove("bob", NOW_MS);
    await fixture.stores.invites.create(inviteRecord("n"));
    expect(await fixture.stores.invites.join("n", agentRecord("alice"), "key-2", NOW_MS)).toBe("taken_id");
    expect(await fixture.stores.invites.join("n", agentRecord("bob"), "key-2", NOW_MS)).toBe("taken_id");
    expect(await fixture.stores.invites.find("n")).toMatchObject({ uses: 0 });
    expect(await fixture.stores.keys.find("key-2")).toBeUndefined();
    expect(await fixture.stores.agents.find("bob")).toMatchObject({ deletedUnixMs: NOW_MS });
    expect(await join("n", "carol")).toBe("joined");
  });

  it("undoes all of a join whose key cannot be added", async () => {
    await joinAgents(fixture.stores, "alice");
    await fixture.stores.invites.create(inviteRecord("n"));
    const clash = fixture.stores.invites.join("n", agentRecord("bob"), "key-alice", NOW_MS);
    await expect(clash).rejects.toMatchObject({ code: "already_exists" });
    expect(await fixture.stores.agents.find("bob")).toBeUndefined();
    expect(await fixture.stores.invites.find("n")).toMatchObject({ uses: 0 });
  });
}

function concurrencyTests(factory: StoreFactory): void {
  const fixture = useStores(factory);

  it("lets exactly max_uses of many in", async () => {
    await fixture.stores.invites.create(inviteRecord("n", { maxUses: 10 }));
    const outcomes = await Promise.all(
      numbered("agent-", 50).map((id) =>
        fixture.stores.invites.join("n", agentRecord(id), `key-${id}`, NOW_MS),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "joined")).toHaveLength(10);
    expect(outcomes.filter((outcome) => outcome === "spent_nonce")).toHaveLength(40);
    expect(await fixture.stores.agents.count()).toBe(10);
    expect(await fixture.stores.invites.find("n")).toMatchObject({ uses: 10 });
    for (const [index, id] of numbered("agent-", 50).entries()) {
      const key = await fixture.stores.keys.find(`key-${id}`);
      expect(key !== undefined, id).toBe(outcomes[index] === "joined");
    }
  });

  it("gives one id to exactly one of many", async () => {
    await fixture.stores.invites.create(inviteRecord("n", { maxUses: 50 }));
    const outcomes = await Promise.all(
      numbered("key-", 20).map((hash) =>
        fixture.stores.invites.join("n", agentRecord("alice"), hash, NOW_MS),
      ),
    );
    expect(outcomes.filter((outcome) => outcome === "joined")).toHaveLength(1);
    expect(outcomes.filter((outcome) => outcome === "taken_id")).toHaveLength(19);
    expect(await fixture.stores.invites.find("n")).toMatchObject({ uses: 1 });
  });
}
