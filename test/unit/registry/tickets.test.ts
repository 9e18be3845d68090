import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { AgentPrincipal } from "../../../src/model/principal.ts";
import { ADMIN, callAs, codeOf, createFixture, type RegistryFixture } from "./registry-fixture.ts";

const HERE = "192.0.2.1";
const MINUTE_MS = 60_000;
const DAY_MS = 86_400_000;

async function principalOf(fixture: RegistryFixture, bearer: string): Promise<AgentPrincipal> {
  const principal = await fixture.api.authenticate(bearer, HERE);
  if (principal.kind !== "agent") throw new Error(`not an agent: ${principal.kind}`);
  return principal;
}

async function fixtureWithAlice() {
  const fixture = createFixture();
  const alice = await fixture.join("alice");
  const issue = async (bearer = alice.token) => {
    const { ticket } = await fixture.api.issueTicket(callAs(await principalOf(fixture, bearer)));
    return ticket;
  };
  const redeem = (ticket: string, address = HERE) => fixture.api.redeemTicket(ticket, address);
  return { fixture, alice, issue, redeem };
}

describe("a ticket", () => {
  it("stands for the credential that it was made with", async () => {
    const { fixture, alice, issue, redeem } = await fixtureWithAlice();
    for (const bearer of [alice.token, alice.apiKey]) {
      expect(await redeem(await issue(bearer))).toEqual(await principalOf(fixture, bearer));
    }
  });

  it("is good once, also when it comes twice at the same time", async () => {
    const { issue, redeem } = await fixtureWithAlice();
    const ticket = await issue();
    const outcomes = await Promise.all([codeOf(redeem(ticket)), codeOf(redeem(ticket))]);
    expect(outcomes.sort()).toEqual(["no error", "unauthenticated"]);
    expect(await codeOf(redeem(ticket))).toBe("unauthenticated");
  });

  it("is good for a minute, and says so", async () => {
    const { fixture, alice, redeem } = await fixtureWithAlice();
    const call = callAs(await principalOf(fixture, alice.token));
    const [one, other] = [await fixture.api.issueTicket(call), await fixture.api.issueTicket(call)];
    expect(one.expiresUnixMs).toBe(fixture.clock.nowUnixMs() + MINUTE_MS);
    fixture.clock.advance(MINUTE_MS - 1);
    expect(await codeOf(redeem(one.ticket))).toBe("no error");
    fixture.clock.advance(1);
    expect(await codeOf(redeem(other.ticket))).toBe("unauthenticated");
  });

  it("is worth nothing when its credential ended: the token, the key, the secret, the agent", async () => {
    const ends: ((fixture: RegistryFixture, principal: AgentPrincipal) => unknown)[] = [
      (fixture, principal) => fixture.api.rotateKey(callAs(principal), { revokeNow: true }),
      (fixture) => fixture.registry.rotateTokenSecret({ revokeNow: true }),
      (fixture) => fixture.api.deleteAgent(callAs(ADMIN), "alice"),
    ];
    for (const end of ends) {
      const { fixture, alice, issue, redeem } = await fixtureWithAlice();
      const ticket = await issue();
      await end(fixture, await principalOf(fixture, alice.token));
      expect(await codeOf(redeem(ticket))).toBe("unauthenticated");
    }
    const { fixture, issue, redeem } = await fixtureWithAlice();
    fixture.clock.advance(DAY_MS - MINUTE_MS / 2);
    const ticket = await issue();
    fixture.clock.advance(MINUTE_MS / 2);
    expect(await codeOf(redeem(ticket))).toBe("unauthenticated");
  });

  it("is no token, and a token is no ticket", async () => {
    const { fixture, alice, issue, redeem } = await fixtureWithAlice();
    const ticket = await issue();
    expect(await codeOf(fixture.api.authenticate(ticket, HERE))).toBe("unauthenticated");
    for (const bearer of [alice.token, alice.apiKey])
      expect(await codeOf(redeem(bearer))).toBe("unauthenticated");
    expect(await codeOf(redeem(ticket))).toBe("no error");
  });

  it("is for agents alone", async () => {
    const { fixture } = await fixtureWithAlice();
    expect(await codeOf(fixture.api.issueTicket(callAs(ADMIN)))).toBe("permission_denied");
    expect(await codeOf(fixture.api.issueTicket(callAs({ kind: "anonymous" })))).toBe("unauthenticated");
  });

  it("is bounded: sixteen unused ones of an agent, of others as many again", async () => {
    const { fixture, issue, redeem } = await fixtureWithAlice();
    const tickets = await Promise.all(Array.from({ length: 16 }, () => issue()));
    expect(new Set(tickets).size).toBe(16);
    expect(await codeOf(issue())).toBe("rate_limited");
    const bob = await fixture.join("bob");
    expect(await codeOf(issue(bob.token))).toBe("no error");
    await redeem(tickets[3] ?? "");
    expect(await codeOf(issue())).toBe("no error");
    expect(await codeOf(issue())).toBe("rate_limited");
    fixture.clock.advance(MINUTE_MS);
    for (let n = 0; n < 16; n++) expect(await codeOf(issue())).toBe("no error");
  });

  it("that is wrong counts as an attempt, and a right one passes all the same", async () => {
    const { issue, redeem } = await fixtureWithAlice();
    const right = await issue();
    const codes: unknown[] = [];
    for (let n = 0; n < 200; n++) codes.push(await codeOf(redeem(`mkt_${"A".repeat(43)}`)));
    expect(codes[0]).toBe("unauthenticated");
    expect(codes.at(-1)).toBe("rate_limited");
    expect(await codeOf(redeem(right))).toBe("no error");
  });

  it("of whatever form is refused, never a failure", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          fc.string(),
          fc.string().map((text) => `mkt_${text}`),
        ),
        async (text) => {
          const { redeem } = await fixtureWithAlice();
          expect(await codeOf(redeem(text))).toBe("unauthenticated");
        },
      ),
      { numRuns: 50 },
    );
  });
});
