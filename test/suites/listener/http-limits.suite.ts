import { request as nodeRequest } from "node:http";
import { request as tlsRequest } from "node:https";
import { describe, expect, test } from "vitest";
import {
  createMoment,
  createObserver,
  echo,
  json,
  MAX_BODY_BYTES,
  MIB,
  type OpenListener,
  patternBytes,
  startListener,
} from "./listener-fixture.ts";
import { RawClient } from "./raw-client.ts";

/** What happens at the limits, and to those who do not keep to the rules. */
export function describeHttpLimits(name: string, open: OpenListener): void {
  describe(`${name}: bodies over the limit`, () => {
    test.each([MAX_BODY_BYTES + 1, 3 * MIB, 20 * MIB])(
      "fetch sees 413 for %d bytes with a length",
      async (length) => {
        const { url } = await startListener(open, {});
        const response = await fetch(url, { method: "POST", body: patternBytes(length) });
        expect(response.status).toBe(413);
        expect(await response.json()).toEqual({ error: { code: "too_large" } });
      },
    );

    test.each([MAX_BODY_BYTES + 1, 3 * MIB])("fetch sees 413 for %d bytes in chunks", async (length) => {
      const { url } = await startListener(open, {});
      const response = await fetch(url, {
        method: "POST",
        body: new Blob([patternBytes(length)]).stream(),
        duplex: "half",
      });
      expect(response.status).toBe(413);
    });

    test.each(["keep-alive", "close"])(
      "a client that sends all before it reads sees 413 (connection: %s)",
      async (connection) => {
        const { port } = await startListener(open, {});
        const client = await RawClient.connect(port);
        client.socket.pause();
        const body = patternBytes(3 * MIB);
        await client.write(
          `POST / HTTP/1.1\r\nHost: x\r\nConnection: ${connection}\r\nContent-Length: ${body.length}\r\n\r\n`,
        );
        await client.write(body);
        client.socket.resume();
        expect(await client.until((text) => text.includes("too_large"))).toMatch(/^HTTP\/1\.1 413 /);
      },
    );

    test("node:http sees 413 for chunks with connection: close", async () => {
      const { url } = await startListener(open, {});
      const answered = createMoment<unknown>();
      const requestOf = url.startsWith("https:") ? tlsRequest : nodeRequest;
      const request = requestOf(url, { method: "POST", agent: false });
      // The server may cut what is still sent after its answer.
      request.on("error", answered.reach);
      request.on("response", (response) => answered.reach(response.resume().statusCode));
      for (let part = 0; part < 24; part++) request.write(patternBytes(MIB / 8));
      request.end();
      expect(await answered.reached).toBe(413);
    });

    test("what is still sent after the answer is taken before the connection ends, so that no reset meets it", async () => {
      const { port } = await startListener(open, {});
      const client = await RawClient.connect(port);
      const body = patternBytes(2 * MIB);
      await client.write(
        `POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: ${body.length}\r\n\r\n`,
      );
      await client.write(body.subarray(0, MAX_BODY_BYTES + 1));
      // Of this answer, one listener tells the length and the other sends chunks.
      await client.until((text) => text.includes("too_large"));
      await client.write(body.subarray(MAX_BODY_BYTES + 1));
      await client.untilClosed();
      expect(client.errors).toEqual([]);
    });

    test("the answer does not wait for the end of the body", async () => {
      const { port } = await startListener(open, {});
      const client = await RawClient.connect(port);
      await client.write(`POST / HTTP/1.1\r\nHost: x\r\nContent-Length: ${100 * MIB}\r\n\r\n`);
      expect((await client.response()).status).toBe(413);
    });

    test("an answer that did not need the body reaches a client that is still sending, and the next request works", async () => {
      const { port } = await startListener(open, {
        http: async (request) => (request.method === "GET" ? json(200, {}) : json(401, {})),
      });
      const client = await RawClient.connect(port);
      await client.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 10\r\n\r\n12345");
      await client.until((text) => text.includes("HTTP/1.1 401"));
      await client.write("67890GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      await client.until((text) => text.includes("HTTP/1.1 200"));
    });
  });

  describe(`${name}: clients that misbehave`, () => {
    test("a body that takes too long is unavailable", async () => {
      const { port } = await startListener(open, { bodyTimeoutMs: 100 });
      const client = await RawClient.connect(port);
      await client.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n1");
      expect(await client.response()).toMatchObject({
        status: 503,
        body: '{"error":{"code":"unavailable"}}',
      });
    });

    test("a client that leaves in the middle of its body aborts the signal and the body", async () => {
      const observer = createObserver();
      const { port, errors } = await startListener(open, { http: observer.http });
      const client = await RawClient.connect(port);
      await client.write("POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\n1");
      const { signal } = await observer.seen;
      expect(signal.aborted).toBe(false);
      const aborted = new Promise((resolve) => signal.addEventListener("abort", resolve));
      client.reset();
      await aborted;
      expect(await observer.bodyError).toMatchObject({ code: "unavailable" });
      expect(errors).toEqual([]);
    });

    test("a client that leaves while its answer is awaited aborts the signal, also when that is read later", async () => {
      const gone = createMoment<boolean>();
      const started = createMoment<void>();
      const { port, errors } = await startListener(open, {
        http: async (request) => {
          started.reach();
          await new Promise((resolve) => request.signal.addEventListener("abort", resolve));
          gone.reach(request.signal.aborted);
          return json(200, {});
        },
      });
      const client = await RawClient.connect(port);
      await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      await started.reached;
      client.socket.destroy();
      expect(await gone.reached).toBe(true);
      expect(errors).toEqual([]);
    });

    test("takes 10 KiB of headers and refuses 20 KiB", async () => {
      const { port } = await startListener(open, {});
      const good = await RawClient.connect(port);
      await good.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${"a".repeat(10 * 1024)}\r\n\r\n`);
      expect((await good.response()).status).toBe(200);
      const bad = await RawClient.connect(port);
      await bad.write(`GET / HTTP/1.1\r\nHost: x\r\nX-Big: ${"a".repeat(20 * 1024)}\r\n\r\n`);
      expect(await bad.untilClosed()).toMatch(/^(?:HTTP\/1\.1 431 .*)?$/s);
    });

    test.each([
      ["two lengths", "Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde"],
      ["a length that is no number", "Content-Length: 3a\r\n\r\nabcde"],
      ["a length and chunks", "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n"],
      ["a coding that is not known", "Transfer-Encoding: gzip\r\n\r\nabcde"],
      ["chunks twice", "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n"],
      ["a chunk length that is no number", "Transfer-Encoding: chunked\r\n\r\nzz\r\nab\r\n0\r\n\r\n"],
    ])("refuses %s", async (_what, rest) => {
      const { port } = await startListener(open, {});
      const client = await RawClient.connect(port);
      await client.write(`POST / HTTP/1.1\r\nHost: x\r\n${rest}`);
      expect(await client.untilClosed()).toMatch(/^(?:HTTP\/1\.1 (?:4\d\d|501) .*)?$/s);
    });

    test("gives a huge answer to a slow reader whole", async () => {
      const body = patternBytes(32 * MIB);
      const { port } = await startListener(open, { http: async () => ({ status: 200, headers: {}, body }) });
      const client = await RawClient.connect(port);
      client.socket.pause();
      await client.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      const parts: Buffer[] = [];
      let bytes = 0;
      client.socket.on("data", (part) => {
        parts.push(part);
        bytes += part.length;
        client.socket.pause();
        setImmediate(() => client.socket.resume());
      });
      client.socket.resume();
      await client.untilClosed();
      expect(bytes).toBeGreaterThan(body.length);
      expect(Buffer.concat(parts).subarray(-body.length).equals(body)).toBe(true);
    });

    test("a client that leaves in the middle of a huge answer harms nobody", async () => {
      const body = patternBytes(32 * MIB);
      const { port, url, errors } = await startListener(open, {
        http: async (request) => (request.path === "/" ? echo(request) : { status: 200, headers: {}, body }),
      });
      const client = await RawClient.connect(port);
      await client.write("GET /huge HTTP/1.1\r\nHost: x\r\n\r\n");
      await client.until((text) => text.length > 1000);
      client.reset();
      expect((await fetch(url)).status).toBe(200);
      expect(errors).toEqual([]);
    });
  });

  describe(`${name}: handlers that misbehave`, () => {
    test("a handler that throws is answered 500 and reported", async () => {
      const { url, errors } = await startListener(open, {
        http: async () => {
          throw new Error("secret detail");
        },
      });
      const response = await fetch(url);
      expect(response.status).toBe(500);
      expect(await response.text()).not.toContain("secret");
      expect(errors).toMatchObject([{ message: "secret detail" }]);
    });

    test.each([
      ["a value with a line break", { "x-a": "1\r\nset-cookie: evil=1" }],
      ["a name with a line break", { "x-a\r\nx-b": "1" }],
    ])("does not send %s", async (_what, headers) => {
      const { url, errors } = await startListener(open, {
        http: async () => ({ status: 200, headers, body: "" }),
      });
      const response = await fetch(url);
      expect(response.status).toBe(500);
      expect(response.headers.get("set-cookie")).toBeNull();
      expect(errors).toHaveLength(1);
    });

    test("the length is the listener's, whatever a handler says", async () => {
      const { url } = await startListener(open, {
        http: async () => ({ status: 200, headers: { "content-length": "99" }, body: "four" }),
      });
      expect(await (await fetch(url)).text()).toBe("four");
    });
  });
}
