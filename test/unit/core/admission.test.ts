import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createAdmission } from "../../../src/core/admission.ts";
import { createTraffic } from "../../../src/core/traffic.ts";
import { DEFAULT_PROFILE } from "../../../src/model/agent.ts";
import { PRIORITIES } from "../../../src/model/envelope.ts";
import { MeshError } from "../../../src/model/errors.ts";
import {
  CoreFixture,
  codeOf,
  createKeptLogger,
  HeldClock,
  NO_SIGNAL,
  readerOf,
  START_MS,
} from "../../support/core-fixture.ts";
import { createMemoryStores } from "../../support/memory-stores.ts";

describe("admission", () => {
  it("lets in no more than the burst and what ran in since, and says how long to wait", () => {
    const step = fc.oneof(
      fc.constant({ waitMs: 0 }),
      fc.record({ waitMs: fc.integer({ min: 0, max: 20_000 }) }),
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 120 }),
        fc.array(step, { maxLength: 200 }),
        (perMinute, steps) => {
          const clock = new HeldClock();
          const admission = createAdmission({
            clock,
            directory: {
              lookup: (agentId) => ({
                agentId,
                plan: "open",
                profile: { capabilities: [], status: "available", visibility: "hub", access: "members" },
                publicKey: undefined,
                createdUnixMs: 0,
                deletedUnixMs: undefined,
              }),
              rules: () => [],
              onChange: () => () => undefined,
            },
            sentThisMonth: () => 0,
            ratePerMinute: perMinute,
          });
          let admitted = 0;
          for (const { waitMs } of steps) {
            clock.nowMs += waitMs;
            const most = perMinute + (clock.steadyMs() * perMinute) / 60_000;
            try {
              expect(admission.admit("ann")).toBeUndefined();
              admitted += 1;
              expect(admitted).toBeLessThanOrEqual(most + 1e-6);
            } catch (thrown) {
              if (!(thrown instanceof MeshError)) throw thrown;
              expect(thrown.code).toBe("rate_limited");
              clock.nowMs += (thrown.retryAfterS ?? 0) * 1000;
              expect(() => admission.admit("ann")).not.toThrow();
              admitted += 1;
            }
          }
        },
      ),
    );
  });

  it("keeps the monthly quota of a free agent exactly, also when its messages come at once", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgent("eve", "free");
    await fixture.addAgents("bob");
    const codes = await Promise.all(
      Array.from({ length: 1100 }, (_, at) => codeOf(fixture.send("eve", "bob", `${at}`))),
    );
    expect(codes.filter((code) => code === "no error")).toHaveLength(1000);
    expect(codes.slice(1000)).toEqual(Array.from({ length: 100 }, () => "quota_exceeded"));
    const { records } = await fixture.core.receive.receive(readerOf("bob"), { limit: 500 }, NO_SIGNAL);
    expect(records).toHaveLength(500);

    await fixture.restart();
    expect(await codeOf(fixture.send("eve", "bob", "after a restart"))).toBe("quota_exceeded");
    const now = new Date(START_MS);
    fixture.clock.nowMs = Date.UTC(now.getUTCFullYear(), now.getUTCMonth() + 1, 1);
    expect(await codeOf(fixture.send("eve", "bob", "next month"))).toBe("no error");
  });

  it("takes no place in the quota for what is refused", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgent("eve", "free");
    await fixture.addAgents("bob");
    const refused = Array.from({ length: 1200 }, () => codeOf(fixture.send("eve", "nobody", "m")));
    const codes = await Promise.all(refused);
    expect(codes[0]).toBe("not_found");
    expect(await codeOf(fixture.send("eve", "bob", "m"))).toBe("no error");
  });

  it("says when the next month begins", async () => {
    const clock = new HeldClock();
    clock.nowMs = Date.UTC(2026, 11, 31, 23, 59, 30);
    const fixture = await CoreFixture.open();
    await fixture.addAgent("eve", "free");
    const { directory } = fixture;
    const admission = createAdmission({ directory, clock, sentThisMonth: () => 1000, ratePerMinute: 60 });
    await expect(admission.admit("eve")).rejects.toMatchObject({ code: "quota_exceeded", retryAfterS: 30 });
  });
});

describe("priority", () => {
  it.each([
    ["open", ["low", "normal", "high"]],
    ["free", ["low", "normal", "high"]],
    ["pro", ["normal", "high", "high"]],
  ] as const)("of messages of the plan %s under pressure is %j", (plan, expected) => {
    const admission = createAdmission({
      clock: new HeldClock(),
      directory: {
        lookup: (agentId) => ({
          agentId,
          plan,
          profile: DEFAULT_PROFILE,
          publicKey: undefined,
          createdUnixMs: 0,
          deletedUnixMs: undefined,
        }),
        rules: () => [],
        onChange: () => () => undefined,
      },
      sentThisMonth: () => 0,
      ratePerMinute: 60,
    });
    expect(PRIORITIES.map((asked) => admission.priority("ann", asked))).toEqual(expected);
  });
});

describe("traffic", () => {
  function trafficOver(stores = createMemoryStores()) {
    const clock = new HeldClock();
    const logger = createKeptLogger();
    return { traffic: createTraffic({ store: stores.traffic, clock, logger }), stores, clock, logger };
  }

  it("counts what is written and what is not", async () => {
    const { traffic, stores } = trafficOver();
    traffic.count("ann", "bob", 10);
    traffic.count("ann", "#team", 5);
    expect(await traffic.sentThisMonth("ann")).toBe(2);
    traffic.count("ann", "bob", 10);
    expect(traffic.sentThisMonth("ann")).toBe(3);
    expect(await traffic.totals()).toEqual({ messages: 3, bytes: 25 });
    expect((await traffic.edges("bob", 10)).map(({ messages }) => messages)).toEqual([2]);
    await traffic.stop();
    expect(await stores.traffic.sent("ann", new Date(START_MS).toISOString().slice(0, 7))).toBe(3);
  });

  it("loses no count while a sender's number is being loaded", async () => {
    const { traffic, stores } = trafficOver();
    const gate = Promise.withResolvers<void>();
    const asked = Promise.withResolvers<void>();
    const { sent } = stores.traffic;
    stores.traffic.sent = async (agentId, month) => {
      const before = await sent(agentId, month);
      asked.resolve();
      await gate.promise;
      return before;
    };
    traffic.count("ann", "bob", 1);
    const loading = traffic.sentThisMonth("ann");
    await asked.promise;
    traffic.count("ann", "bob", 1);
    const flushed = traffic.flush();
    traffic.count("ann", "bob", 1);
    gate.resolve();
    expect(await loading).toBe(3);
    await flushed;
    traffic.count("ann", "bob", 1);
    expect(traffic.sentThisMonth("ann")).toBe(4);
    await traffic.stop();
  });

  it("keeps counts that the store did not take, and writes them later", async () => {
    const { traffic, stores, logger } = trafficOver();
    const { add } = stores.traffic;
    stores.traffic.add = () => Promise.reject(new Error("disk full"));
    traffic.count("ann", "bob", 7);
    await traffic.flush();
    expect(logger.events).toEqual(["traffic.not_written"]);
    stores.traffic.add = add;
    traffic.count("ann", "bob", 3);
    expect(await traffic.totals()).toEqual({ messages: 2, bytes: 10 });
    await traffic.stop();
  });

  it("goes on after a number could not be loaded", async () => {
    const { traffic, stores } = trafficOver();
    const { sent } = stores.traffic;
    stores.traffic.sent = () => Promise.reject(new Error("no store"));
    await expect(traffic.sentThisMonth("ann")).rejects.toThrow("no store");
    stores.traffic.sent = sent;
    traffic.count("ann", "bob", 1);
    expect(await traffic.sentThisMonth("ann")).toBe(1);
    await traffic.stop();
  });
});
