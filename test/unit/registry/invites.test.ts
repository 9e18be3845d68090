import { describe, expect, it } from "vitest";
import { ANONYMOUS } from "../../../src/model/principal.ts";
import { ADMIN, asAgent, callAs, codeOf, createFixture, START_MS } from "./registry-fixture.ts";

const operator = callAs(ADMIN);
const stranger = callAs(ANONYMOUS);

describe("invites", () => {
  it("let one in for a day unless told otherwise", async () => {
    const { api } = createFixture();
    const invite = await api.createInvite(operator, {});
    expect(invite.nonce).toMatch(/^[A-Za-z0-9_-]{22}$/);
    expect(invite).toEqual({
      nonce: invite.nonce,
      url: `http://hub.test/join/${invite.nonce}`,
      expiresUnixMs: START_MS + 86_400_000,
      maxUses: 1,
      uses: 0,
      capabilities: [],
      createdBy: "admin",
    });
    expect(await api.describeInvite(stranger, invite.nonce)).toEqual(invite);
  });

  it.each([
    { maxUses: 0 },
    { maxUses: 10_001 },
    { maxUses: 1.5 },
    { maxUses: Number.NaN },
    { expiresInS: 0 },
    { expiresInS: 365 * 86_400 + 1 },
    { capabilities: [""] },
    { capabilities: Array.from({ length: 65 }, (_, index) => `c${index}`) },
  ])("refuse %o", async (input) => {
    expect(await codeOf(createFixture().api.createInvite(operator, input))).toBe("invalid_argument");
  });

  it("take the largest bounds", async () => {
    const { api } = createFixture();
    const invite = await api.createInvite(operator, { maxUses: 10_000, expiresInS: 365 * 86_400 });
    expect(invite).toMatchObject({ maxUses: 10_000, expiresUnixMs: START_MS + 365 * 86_400_000 });
  });

  it("are made by the operator and by agents that were given the right", async () => {
    const { api, join } = createFixture();
    await join("plain");
    await join("inviter", {}, ["invite"]);
    expect(await codeOf(api.createInvite(stranger, {}))).toBe("unauthenticated");
    expect(await codeOf(api.createInvite(callAs(asAgent("plain")), {}))).toBe("permission_denied");
    const invite = await api.createInvite(callAs(asAgent("inviter")), { capabilities: ["cook"] });
    expect(invite.createdBy).toBe("inviter");
    const passedOn = api.createInvite(callAs(asAgent("inviter")), { capabilities: ["invite"] });
    expect(await codeOf(passedOn)).toBe("permission_denied");
  });

  it("are listed for who made them, without revoked ones", async () => {
    const { api, join, clock } = createFixture();
    await join("inviter", {}, ["invite"]);
    const inviter = callAs(asAgent("inviter"));
    clock.advance(1);
    const first = await api.createInvite(inviter, {});
    clock.advance(1);
    const second = await api.createInvite(operator, {});
    const nonces = async (call = operator) => (await api.listInvites(call)).map(({ nonce }) => nonce);
    expect((await nonces()).slice(0, 2)).toEqual([second.nonce, first.nonce]);
    expect(await nonces(inviter)).toEqual([first.nonce]);
    await api.revokeInvite(operator, first.nonce);
    expect(await nonces(inviter)).toEqual([]);
  });

  it("are revoked by who made them and by the operator", async () => {
    const { api, join } = createFixture();
    await join("inviter", {}, ["invite"]);
    const inviter = callAs(asAgent("inviter"));
    const theirs = await api.createInvite(operator, {});
    expect(await codeOf(api.revokeInvite(inviter, theirs.nonce))).toBe("not_found");
    expect(await codeOf(api.revokeInvite(inviter, "no-such-nonce-at-all-1"))).toBe("not_found");
    expect(await codeOf(api.revokeInvite(operator, "x"))).toBe("not_found");
    await api.revokeInvite(operator, theirs.nonce);
    await api.revokeInvite(operator, theirs.nonce);
    expect(await codeOf(api.describeInvite(stranger, theirs.nonce))).toBe("gone");
  });

  it("say gone when they ended, and not found when they never were", async () => {
    const { api, clock } = createFixture();
    const { nonce } = await api.createInvite(operator, { expiresInS: 60 });
    clock.advance(59_999);
    expect(await codeOf(api.describeInvite(stranger, nonce))).toBe("no error");
    clock.advance(1);
    expect(await codeOf(api.describeInvite(stranger, nonce))).toBe("gone");
    expect(await codeOf(api.describeInvite(stranger, "A".repeat(22)))).toBe("not_found");
    expect(await codeOf(api.describeInvite(stranger, "../../etc/passwd"))).toBe("not_found");
  });
});
