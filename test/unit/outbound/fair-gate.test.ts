import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { FairGate } from "../../../src/outbound/fair-gate.ts";
import type { CallParties, Leave, PlaceBounds } from "../../../src/outbound/places.ts";

const SIGNAL = new AbortController().signal;

/** Calls that stay inside until they are told to leave, in the order in which they were let in. */
class Visitors {
  readonly inside: { readonly parties: CallParties; readonly leave: Leave }[] = [];
  readonly #gate: FairGate;

  constructor(gate: FairGate) {
    this.#gate = gate;
  }

  come(caller: string, target: string, signal = SIGNAL): Promise<void> {
    const parties = { caller, target };
    return this.#gate.enter(parties, signal).then((leave) => void this.inside.push({ parties, leave }));
  }

  /** One leaves; whoever is let in for it is inside then. */
  async leave(at = 0): Promise<CallParties | undefined> {
    const [left] = this.inside.splice(at, 1);
    left?.leave();
    await settled();
    return left?.parties;
  }

  callers(): string[] {
    return this.inside.map(({ parties }) => parties.caller);
  }
}

/** All that was let in is inside. */
function settled(): Promise<void> {
  return new Promise(setImmediate);
}

describe("the gate", () => {
  it("lets callers in by turns, however much one of them has waiting", async () => {
    const visitors = new Visitors(new FairGate({ atOnce: 1, perCaller: 1, perTarget: 9 }));
    void visitors.come("first", "t0");
    for (let n = 0; n < 100; n++) void visitors.come("greedy", `t${n}`);
    for (const caller of ["one", "two"]) void visitors.come(caller, "t");
    void visitors.come("one", "t");
    await settled();
    const order: string[] = [];
    for (let n = 0; n < 6; n++) {
      await visitors.leave();
      order.push(...visitors.callers());
    }
    expect(order).toEqual(["greedy", "one", "two", "greedy", "one", "greedy"]);
  });

  it("keeps places free for others when one caller has its share, or one target", async () => {
    const visitors = new Visitors(new FairGate({ atOnce: 6, perCaller: 4, perTarget: 2 }));
    for (let n = 0; n < 5; n++) void visitors.come("greedy", "slow");
    for (let n = 0; n < 5; n++) void visitors.come("greedy", `t${n}`);
    await settled();
    // Two wait for the slow target, and hold up none of those behind them.
    expect(visitors.inside.map(({ parties }) => parties.target)).toEqual(["slow", "slow", "t0", "t1"]);
    void visitors.come("modest", "t9");
    await settled();
    expect(visitors.callers().at(-1)).toBe("modest");
  });

  it("lets nobody in that has left the queue, and gives its turn on", async () => {
    const visitors = new Visitors(new FairGate({ atOnce: 1, perCaller: 1, perTarget: 1 }));
    void visitors.come("a", "t");
    const leaving = new AbortController();
    const second = visitors.come("b", "t", leaving.signal);
    void visitors.come("c", "t");
    leaving.abort(new Error("left"));
    await expect(second).rejects.toThrow("left");
    await expect(visitors.come("d", "t", leaving.signal)).rejects.toThrow("left");
    await visitors.leave();
    expect(visitors.callers()).toEqual(["c"]);
  });

  it("counts a place that is given up twice once", async () => {
    const gate = new FairGate({ atOnce: 2, perCaller: 2, perTarget: 2 });
    const leave = await gate.enter({ caller: "a", target: "t" }, SIGNAL);
    await gate.enter({ caller: "a", target: "t" }, SIGNAL);
    leave();
    leave();
    expect(gate.running).toBe(1);
  });

  it("is never passed by more than it has places for, and by everybody in the end", async () => {
    const name = fc.constantFrom("a", "b", "c", "d");
    const steps = fc.array(
      fc.oneof(fc.record({ caller: name, target: name }), fc.record({ leaves: fc.nat(9) })),
      {
        maxLength: 60,
      },
    );
    const bound = fc.integer({ min: 1, max: 4 });
    const bounds = fc.record({ atOnce: bound, perCaller: bound, perTarget: bound });
    await fc.assert(
      fc.asyncProperty(bounds, steps, async (given, all) => {
        const gate = new FairGate(given);
        const visitors = new Visitors(gate);
        const came: Promise<void>[] = [];
        for (const step of all) {
          if ("caller" in step) came.push(visitors.come(step.caller, step.target));
          else await visitors.leave(step.leaves % Math.max(1, visitors.inside.length));
          await settled();
          expectWithin(visitors, given);
        }
        for (let n = 0; n < all.length; n++) await visitors.leave();
        await Promise.all(came);
        expect(gate.running).toBe(0);
      }),
      { numRuns: 200 },
    );
  });
});

function expectWithin({ inside }: Visitors, { atOnce, perCaller, perTarget }: PlaceBounds): void {
  const most = (of: (parties: CallParties) => string): number =>
    Math.max(
      0,
      ...Object.values(Object.groupBy(inside, ({ parties }) => of(parties))).map((all = []) => all.length),
    );
  expect(inside.length).toBeLessThanOrEqual(atOnce);
  expect(most(({ caller }) => caller)).toBeLessThanOrEqual(perCaller);
  expect(most(({ target }) => target)).toBeLessThanOrEqual(perTarget);
}
