import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createPresence } from "../../../src/registry/presence.ts";
import { createHeldClock } from "./registry-fixture.ts";

describe("presence", () => {
  it("counts a call for a minute", () => {
    const clock = createHeldClock();
    const presence = createPresence(clock);
    presence.seen("alice");
    clock.advance(59_999);
    expect(presence.isOnline("alice")).toBe(true);
    clock.advance(1);
    expect(presence.isOnline("alice")).toBe(false);
    expect(presence.onlineCount()).toBe(0);
  });

  it("counts whoever has something open, however many times, and a minute after the last one closed", () => {
    const clock = createHeldClock();
    const presence = createPresence(clock);
    const first = presence.attached("alice");
    const second = presence.attached("alice");
    clock.advance(3_600_000);
    first();
    first();
    expect(presence.onlineIds(10)).toEqual(["alice"]);
    clock.advance(3_600_000);
    expect(presence.isOnline("alice")).toBe(true);
    second();
    clock.advance(59_999);
    expect(presence.isOnline("alice")).toBe(true);
    clock.advance(1);
    expect(presence.isOnline("alice")).toBe(false);
  });

  it("forgets an agent that is gone, also when its session ends later", () => {
    const presence = createPresence(createHeldClock());
    const detach = presence.attached("alice");
    presence.seen("alice");
    presence.forget("alice");
    detach();
    expect(presence.isOnline("alice")).toBe(false);
    expect(presence.onlineCount()).toBe(0);
  });

  it("agrees with itself after any course of events", () => {
    const ids = ["a", "b", "c", "d"];
    const step = fc.record({
      id: fc.constantFrom(...ids),
      act: fc.constantFrom("seen", "attach", "detach"),
      waitMs: fc.integer({ min: 0, max: 30_000 }),
    });
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const clock = createHeldClock();
        const presence = createPresence(clock);
        const open: { id: string; detach: () => void }[] = [];
        for (const { id, act, waitMs } of steps) {
          clock.advance(waitMs);
          if (act === "seen") presence.seen(id);
          else if (act === "attach") open.push({ id, detach: presence.attached(id) });
          else open.shift()?.detach();
          const online = ids.filter((one) => presence.isOnline(one));
          expect(presence.onlineCount()).toBe(online.length);
          expect([...presence.onlineIds(10)].sort()).toEqual(online);
          for (const one of open) expect(online).toContain(one.id);
        }
      }),
    );
  });
});
