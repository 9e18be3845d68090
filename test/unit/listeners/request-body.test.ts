import fc from "fast-check";
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest";
import { clientGone, RequestBody } from "../../../src/listeners/request-body.ts";

const limits = { maxBytes: 100, timeoutMs: 1_000 };

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

describe("a request body", () => {
  test("is what came, or too_large, whenever it is asked for and however it was cut", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.uint8Array({ maxLength: 40 }), { minLength: 1, maxLength: 6 }),
        fc.nat({ max: 6 }),
        fc.boolean(),
        async (parts, askedAt, isDeclared) => {
          const whole = Buffer.concat(parts);
          fc.pre(!isDeclared || whole.length > 0);
          const body = new RequestBody(limits, isDeclared ? whole.length : undefined);
          let read: Promise<unknown> | undefined;
          const ask = () => {
            read ??= body.read().catch((error: unknown) => error);
          };
          parts.forEach((part, at) => {
            if (at === askedAt) ask();
            const memory = Uint8Array.from(part);
            body.push(memory, at === parts.length - 1);
            memory.fill(0);
          });
          ask();
          const got = await read;
          if (whole.length > limits.maxBytes) expect(got).toMatchObject({ code: "too_large" });
          else expect(Buffer.compare(whole, got instanceof Uint8Array ? got : Buffer.from("?"))).toBe(0);
          expect(body.receivedBytes).toBe(whole.length);
          expect(body.isComplete).toBe(true);
          expect(vi.getTimerCount()).toBe(0);
        },
      ),
    );
  });

  test("that is declared empty is there at once", async () => {
    const body = new RequestBody(limits, 0);
    expect(body.isComplete).toBe(true);
    expect(await body.read()).toHaveLength(0);
  });

  test("that is declared too large fails at once, and goes on counting", async () => {
    const body = new RequestBody(limits, 101);
    await expect(body.read()).rejects.toMatchObject({ code: "too_large" });
    body.push(new Uint8Array(60), false);
    body.push(new Uint8Array(41), true);
    expect([body.receivedBytes, body.isComplete, vi.getTimerCount()]).toEqual([101, true, 0]);
  });

  test("that takes too long is unavailable, however steadily it comes", async () => {
    const body = new RequestBody(limits, 50);
    const read = expect(body.read()).rejects.toMatchObject({ code: "unavailable" });
    for (let at = 0; at < 10; at++) {
      body.push(new Uint8Array(1), false);
      await vi.advanceTimersByTimeAsync(101);
    }
    await read;
  });

  test("ends once: with the first of its ends", async () => {
    const body = new RequestBody(limits, undefined);
    body.push(new Uint8Array(1), false);
    body.fail(clientGone());
    body.push(new Uint8Array(1), true);
    await expect(body.read()).rejects.toMatchObject({ code: "unavailable" });
    await expect(body.read()).rejects.toMatchObject({ code: "unavailable" });
  });

  test("that was discarded holds neither memory nor a timer", () => {
    const body = new RequestBody(limits, undefined);
    body.push(new Uint8Array(10), false);
    body.discard();
    body.push(new Uint8Array(10), false);
    expect(vi.getTimerCount()).toBe(0);
    expect(body.receivedBytes).toBe(20);
  });
});
