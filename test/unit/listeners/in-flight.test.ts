import { describe, expect, test } from "vitest";
import { createInFlight } from "../../../src/listeners/in-flight.ts";
import type { HttpRequest, HttpResponse } from "../../../src/ports/listener.ts";

const REFUSAL: HttpResponse = { status: 503, headers: {}, body: "stopping" };
const FOREVER_MS = 60_000;

function requestOf(method = "GET"): HttpRequest {
  const signal = new AbortController().signal;
  return {
    method,
    path: "/",
    query: "",
    headers: new Map(),
    remoteAddress: "",
    signal,
    body: async () => new Uint8Array(),
  };
}

function partsOf(response: HttpResponse): AsyncIterator<Uint8Array> {
  if (typeof response.body === "string" || response.body instanceof Uint8Array)
    throw new Error("not in parts");
  return response.body[Symbol.asyncIterator]();
}

/** Whether the drain is over after all that is ready has run. */
async function isOver(drained: Promise<void>): Promise<boolean> {
  const pending = new Promise((resolve) => setImmediate(() => setImmediate(resolve, false)));
  return (await Promise.race([drained.then(() => true), pending])) === true;
}

describe("requests in flight", () => {
  test("are over with their answer, when it is whole", async () => {
    const answer = Promise.withResolvers<HttpResponse>();
    const inFlight = createInFlight(() => answer.promise, REFUSAL);
    const answered = inFlight.handler(requestOf());
    const drained = inFlight.drain(FOREVER_MS);
    expect(await isOver(drained)).toBe(false);
    expect(await inFlight.handler(requestOf())).toBe(REFUSAL);
    answer.resolve({ status: 200, headers: {}, body: "done" });
    expect(await answered).toMatchObject({ body: "done" });
    expect(await isOver(drained)).toBe(true);
  });

  test.each([
    ["ends", async (parts: AsyncIterator<Uint8Array>) => void (await parts.next())],
    ["is given up", async (parts: AsyncIterator<Uint8Array>) => void (await parts.return?.())],
  ])("are over when an answer in parts %s", async (_how, end) => {
    async function* body() {
      yield Buffer.from("1");
    }
    const inFlight = createInFlight(async () => ({ status: 200, headers: {}, body: body() }), REFUSAL);
    const parts = partsOf(await inFlight.handler(requestOf()));
    expect((await parts.next()).value?.toString()).toBe("1");
    const drained = inFlight.drain(FOREVER_MS);
    expect(await isOver(drained)).toBe(false);
    await end(parts);
    expect(await isOver(drained)).toBe(true);
  });

  test("are over when an answer in parts fails", async () => {
    async function* body(): AsyncGenerator<Uint8Array> {
      yield Buffer.from("1");
      throw new Error("broken");
    }
    const inFlight = createInFlight(async () => ({ status: 200, headers: {}, body: body() }), REFUSAL);
    const parts = partsOf(await inFlight.handler(requestOf()));
    await parts.next();
    const drained = inFlight.drain(FOREVER_MS);
    await expect(parts.next()).rejects.toThrow("broken");
    expect(await isOver(drained)).toBe(true);
  });

  test("do not wait for parts that nobody asks for", async () => {
    async function* body() {
      yield Buffer.from("1");
    }
    const inFlight = createInFlight(async () => ({ status: 200, headers: {}, body: body() }), REFUSAL);
    await inFlight.handler(requestOf("HEAD"));
    expect(await isOver(inFlight.drain(FOREVER_MS))).toBe(true);
  });
});
