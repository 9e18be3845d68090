import { get, type IncomingMessage } from "node:http";
import { get as getTls } from "node:https";
import { describe, expect, it } from "vitest";
import type { HttpHandler } from "../../../src/ports/listener.ts";
import { until } from "../../support/until.ts";
import { createMoment, MIB, type OpenListener, startListener } from "./listener-fixture.ts";

const PART = Buffer.alloc(64 * 1024, "x");

/** Answers with a body that comes in parts. */
function streaming(body: (signal: AbortSignal) => AsyncIterable<Uint8Array>): HttpHandler {
  return async (request) => ({
    status: 200,
    headers: { "content-type": "application/octet-stream" },
    body: body(request.signal),
  });
}

/** Answers that come in parts: the head at once, each part when it is there, no more than the client takes. */
export function describeStreams(name: string, open: OpenListener): void {
  describe(`${name}: a body in parts`, () => {
    it("gives each part at once, before the next one exists", async () => {
      const second = createMoment<void>();
      const running = await startListener(open, {
        http: streaming(async function* () {
          yield Buffer.from("one");
          await second.reached;
          yield Buffer.from("two");
        }),
      });
      const response = await fetch(running.url);
      const reader = response.body?.getReader();
      const first = await reader?.read();
      expect(Buffer.from(first?.value ?? []).toString()).toBe("one");
      second.reach();
      const next = await reader?.read();
      expect(Buffer.from(next?.value ?? []).toString()).toBe("two");
      expect((await reader?.read())?.done).toBe(true);
    });

    it("leaves empty parts out and keeps the connection for the next request", async () => {
      const running = await startListener(open, {
        http: streaming(async function* () {
          yield new Uint8Array(0);
          yield Buffer.from("a");
          yield new Uint8Array(0);
          yield Buffer.from("b");
        }),
      });
      for (let round = 0; round < 3; round++) expect(await (await fetch(running.url)).text()).toBe("ab");
    });

    it("does not ask for more than the client takes", async () => {
      let made = 0;
      const running = await startListener(open, {
        http: streaming(async function* () {
          for (; made < 1024; made++) yield PART;
        }),
      });
      const response = await new Promise<IncomingMessage>((resolve, reject) => {
        (running.url.startsWith("https:") ? getTls : get)(running.url, resolve).on("error", reject);
      });
      // A stream that nobody reads from takes only what its buffers hold.
      let before = -1;
      await until("the producer to be held back", () => {
        const isHeld = made > 0 && made === before;
        before = made;
        return isHeld;
      });
      expect(made).toBeLessThan(1024);
      let taken = 0;
      for await (const part of response) taken += part.length;
      expect(taken).toBe(64 * MIB);
    });

    it("goes on to its end however its reader stalls between", async () => {
      const part = Buffer.alloc(900_000, "y");
      const running = await startListener(open, {
        http: streaming(async function* () {
          for (let made = 0; made < 24; made++) {
            yield part;
            // As a face does that reads a page of the log between.
            if (made % 3 === 0) await new Promise((resolve) => setImmediate(resolve));
          }
        }),
      });
      for (let round = 0; round < 10; round++) {
        const response = await fetch(running.url);
        let taken = 0;
        for await (const piece of response.body ?? []) {
          taken += piece.byteLength;
          // A reader that is busy elsewhere for a turn now and then.
          if (taken % 7 === 0) await new Promise((resolve) => setImmediate(resolve));
        }
        expect(taken).toBe(24 * part.byteLength);
      }
    });

    it("gives the whole of a large part although nothing follows it", async () => {
      const part = Buffer.alloc(8 * MIB, "z");
      const running = await startListener(open, {
        http: streaming(async function* (signal) {
          yield part;
          await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
        }),
      });
      const leave = new AbortController();
      const response = await fetch(running.url, { signal: leave.signal });
      const reader = response.body?.getReader();
      let taken = 0;
      while (taken < part.byteLength) taken += (await reader?.read())?.value?.byteLength ?? 0;
      expect(taken).toBe(part.byteLength);
      leave.abort();
    });

    it("runs the end of a generator when the client goes away", async () => {
      const ended = createMoment<void>();
      const running = await startListener(open, {
        http: streaming(async function* (signal) {
          try {
            yield Buffer.from("first");
            await new Promise((resolve) => signal.addEventListener("abort", resolve, { once: true }));
          } finally {
            ended.reach();
          }
        }),
      });
      const leave = new AbortController();
      const response = await fetch(running.url, { signal: leave.signal });
      await response.body?.getReader().read();
      leave.abort();
      await ended.reached;
    });

    it("cuts the connection when a part fails, so that nobody takes a part for the whole", async () => {
      const running = await startListener(open, {
        http: streaming(async function* () {
          yield Buffer.from("first");
          throw new Error("the source broke");
        }),
      });
      await expect(fetch(running.url).then((response) => response.text())).rejects.toThrow();
      await until("the error to be told", () => running.errors.length > 0);
    });

    it("answers HEAD without starting the body", async () => {
      let wasStarted = false;
      const running = await startListener(open, {
        http: streaming(async function* () {
          wasStarted = true;
          yield Buffer.from("never");
        }),
      });
      const response = await fetch(running.url, { method: "HEAD" });
      expect(response.status).toBe(200);
      expect(await response.text()).toBe("");
      expect(wasStarted).toBe(false);
    });
  });
}
