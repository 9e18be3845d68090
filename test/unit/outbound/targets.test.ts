import { describe, expect, it } from "vitest";
import { DeliveryFailure } from "../../../src/outbound/delivery-failure.ts";
import { FairGate } from "../../../src/outbound/fair-gate.ts";
import { Targets } from "../../../src/outbound/targets.ts";
import { until } from "../../support/until.ts";

const SIGNAL = new AbortController().signal;
const steady = { nowUnixMs: () => Date.now(), steadyMs: () => performance.now() };

function createTargets(perTarget = 2, mostRestMs = 80): Targets {
  const gate = new FairGate({ atOnce: 100, perCaller: 100, perTarget });
  return new Targets({ clock: steady, gate, failures: 3, firstRestMs: 40, mostRestMs });
}

const A = { caller: "alice", target: "a" };

/** Calls that end when they are told to. */
function heldCalls() {
  const ends: (() => void)[] = [];
  let running = 0;
  let most = 0;
  return {
    ends,
    most: () => most,
    call: async (): Promise<void> => {
      running += 1;
      most = Math.max(most, running);
      await new Promise<void>((resolve) => ends.push(resolve));
      running -= 1;
    },
  };
}

const fails = async (): Promise<never> => {
  throw new DeliveryFailure("down");
};

describe("calls at once", () => {
  it("are bounded for each target, and all get their turn", async () => {
    const targets = createTargets();
    const { call, ends, most } = heldCalls();
    const calls = Array.from({ length: 7 }, () => targets.run(A, SIGNAL, call));
    await targets.run({ ...A, target: "b" }, SIGNAL, async () => undefined);
    for (let ended = 0; ended < 7; ended++) (await until("one runs", () => ends.shift()))();
    await Promise.all(calls);
    expect(most()).toBe(2);
  });

  it("end their wait with the caller's patience", async () => {
    const targets = createTargets(1);
    const { call, ends } = heldCalls();
    const first = targets.run(A, SIGNAL, call);
    await until("it runs", () => ends.length === 1);
    const leaving = new AbortController();
    const second = targets.run(A, leaving.signal, call);
    leaving.abort(new Error("left"));
    await expect(second).rejects.toThrow("left");
    ends.shift()?.();
    await first;
    await targets.run(A, SIGNAL, async () => undefined);
  });
});

describe("the circuit", () => {
  it("leaves a target alone after failures in a row, then tries it by one call", async () => {
    const targets = createTargets();
    for (let failure = 0; failure < 3; failure++) await targets.run(A, SIGNAL, fails).catch(() => undefined);
    expect(targets.resting).toBe(1);
    const { call, ends, most } = heldCalls();
    const restedFromMs = performance.now();
    const calls = Array.from({ length: 3 }, () => targets.run(A, SIGNAL, call));
    await until("one tries it", () => ends.length === 1);
    expect(performance.now() - restedFromMs).toBeGreaterThanOrEqual(35);
    expect(targets.resting).toBe(0);
    ends.shift()?.();
    await until("the others go on together", () => ends.length === 2);
    for (const end of ends.splice(0)) end();
    await Promise.all(calls);
    expect(most()).toBe(2);
  });

  it("rests again when that call fails, and starts anew after a success", async () => {
    const targets = createTargets();
    for (let failure = 0; failure < 4; failure++) await targets.run(A, SIGNAL, fails).catch(() => undefined);
    expect(targets.resting).toBe(1);
    await targets.run(A, SIGNAL, async () => undefined);
    for (let failure = 0; failure < 2; failure++) await targets.run(A, SIGNAL, fails).catch(() => undefined);
    expect(targets.resting).toBe(0);
  });

  it("counts calls that were under way together as one failure more", async () => {
    const targets = createTargets(30, 3_600_000);
    await Promise.all(Array.from({ length: 30 }, () => targets.run(A, SIGNAL, fails).catch(() => undefined)));
    // After the first rest: the one after all the others would take an hour.
    await targets.run(A, SIGNAL, async () => undefined);
    expect(targets.resting).toBe(0);
  });

  it("is not forgotten for who waited at the gate while it began to rest", async () => {
    const targets = createTargets(1);
    const { call, ends } = heldCalls();
    const failing = Array.from({ length: 3 }, () => targets.run(A, SIGNAL, fails).catch(() => undefined));
    const waiting = targets.run(A, SIGNAL, call);
    await Promise.all(failing);
    expect(targets.resting).toBe(1);
    expect(ends).toHaveLength(0);
    (await until("it is called after the rest", () => ends.shift()))();
    await waiting;
    expect(targets.resting).toBe(0);
  });

  it("opens for a server that answers that it cannot", async () => {
    const targets = createTargets();
    const busy = (): Promise<number> =>
      targets.run(
        A,
        SIGNAL,
        async () => 503,
        (status) => status >= 500,
      );
    for (let failure = 0; failure < 3; failure++) expect(await busy()).toBe(503);
    expect(targets.resting).toBe(1);
  });

  it("stays closed for a server that answers, whatever it says", async () => {
    const targets = createTargets();
    const refuses = async (): Promise<never> => {
      throw new DeliveryFailure("404", { isAnswer: true });
    };
    for (let failure = 0; failure < 9; failure++)
      await targets.run(A, SIGNAL, refuses).catch(() => undefined);
    expect(targets.resting).toBe(0);
  });
});
