import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { json, MIB, type OpenListener, patternBytes, startListener } from "./listener-fixture.ts";
import { RawClient } from "./raw-client.ts";

/** Ordinary HTTP: what every client may rely on. */
export function describeHttp(name: string, open: OpenListener): void {
  describe(`${name}: HTTP`, () => {
    test("copies method, path, query, headers and address of the request", async () => {
      const seen: Record<string, string | undefined>[] = [];
      const { url } = await startListener(open, {
        http: async ({ method, path, query, headers, remoteAddress }) => {
          await new Promise((resolve) => setImmediate(resolve));
          seen.push({ method, path, query, remoteAddress, custom: headers.get("x-custom") });
          return json(200, {});
        },
      });
      await fetch(`${url}/a%2Fb/c?x=%20&y`, { method: "DELETE", headers: { "X-Custom": "One" } });
      expect(seen).toEqual([
        { method: "DELETE", path: "/a%2Fb/c", query: "x=%20&y", remoteAddress: "127.0.0.1", custom: "One" },
      ]);
    });

    test("joins repeated headers", async () => {
      const { port } = await startListener(open, {
        http: async (request) => json(200, { value: request.headers.get("x-a") }),
      });
      const client = await RawClient.connect(port);
      await client.write("GET / HTTP/1.1\r\nHost: x\r\nX-A: 1\r\nx-a: 2\r\n\r\n");
      expect((await client.response()).body).toBe('{"value":"1, 2"}');
    });

    test.each([0, 1, 1000, 65_536, 65_537, MIB])("echoes a body of %d bytes", async (length) => {
      const { url } = await startListener(open, {});
      const body = patternBytes(length);
      const response = await fetch(url, { method: "POST", body });
      expect(response.status).toBe(200);
      expect(Buffer.from(await response.arrayBuffer()).equals(body)).toBe(true);
      expect(response.headers.get("content-length")).toBe(String(length));
    });

    test("takes a chunked body whole, however it is cut", async () => {
      const { port } = await startListener(open, {});
      await fc.assert(
        fc.asyncProperty(
          fc.array(fc.uint8Array({ minLength: 1, maxLength: 300 }), { maxLength: 8 }),
          async (parts) => {
            const client = await RawClient.connect(port);
            await client.write("POST / HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n");
            for (const part of parts) {
              await client.write(`${part.length.toString(16)}\r\n`);
              await client.write(part);
              await client.write("\r\n");
            }
            await client.write("0\r\n\r\n");
            expect((await client.response()).body).toBe(Buffer.concat(parts).toString("latin1"));
            client.socket.destroy();
          },
        ),
        { numRuns: 25 },
      );
    });

    test("takes a request that is split at any byte", async () => {
      const { port } = await startListener(open, {});
      const request = "POST /split?q=1 HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello";
      for (let at = 1; at < request.length; at++) {
        const client = await RawClient.connect(port);
        await client.write(request.slice(0, at));
        await new Promise((resolve) => setImmediate(resolve));
        await client.write(request.slice(at));
        const { status, body, head } = await client.response();
        expect({ at, status, body }).toEqual({ at, status: 200, body: "hello" });
        expect(head).toContain("x-query: q=1");
        client.socket.destroy();
      }
    });

    test("serves many requests on one connection", async () => {
      const { port } = await startListener(open, {});
      const client = await RawClient.connect(port);
      for (let round = 1; round <= 20; round++) {
        await client.write(`POST /${round} HTTP/1.1\r\nHost: x\r\nContent-Length: 1\r\n\r\n${round % 10}`);
        await client.until((text) => text.split(/x-path: \/\d+/i).length === round + 1 && /\d$/.test(text));
      }
      expect(client.isClosed).toBe(false);
    });

    test("never mixes up pipelined requests: their answers come whole and in order, or the connection ends", async () => {
      const { port } = await startListener(open, {});
      const client = await RawClient.connect(port);
      const requests = [0, 1, 2].map(
        (at) => `GET /p${at} HTTP/1.1\r\nHost: x\r\nConnection: ${at === 2 ? "close" : "keep-alive"}\r\n\r\n`,
      );
      await client.write(requests.join(""));
      const text = await client.untilClosed();
      const paths = [...text.matchAll(/x-path: \/p(\d)/gi)].map((match) => Number(match[1]));
      expect(paths).toEqual([0, 1, 2].slice(0, paths.length));
    });

    test("leaves out the body of an answer to HEAD and keeps the connection in step", async () => {
      const { port } = await startListener(open, { http: async () => json(200, { long: "x".repeat(100) }) });
      const client = await RawClient.connect(port);
      await client.write("HEAD / HTTP/1.1\r\nHost: x\r\n\r\n");
      const head = await client.until((text) => text.endsWith("\r\n\r\n"));
      expect(head).toMatch(/content-length: 111\r\n/i);
      await client.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
      const both = await client.until((text) => text.endsWith('"}'));
      expect(both.match(/HTTP\/1\.1 200/g)).toHaveLength(2);
    });

    test("sends no body and no length with 204", async () => {
      const { url } = await startListener(open, {
        http: async () => ({ status: 204, headers: { "x-a": "1" }, body: "" }),
      });
      const response = await fetch(url);
      expect(response.status).toBe(204);
      expect(response.headers.get("content-length")).toBeNull();
      expect(response.headers.get("x-a")).toBe("1");
    });

    test("sends strings as UTF-8 and views of a larger buffer as what they show", async () => {
      const texts = await startListener(open, {
        http: async () => ({ status: 200, headers: {}, body: "žluťoučký 🐎" }),
      });
      expect(await (await fetch(texts.url)).text()).toBe("žluťoučký 🐎");
      const bytes = Buffer.from("0123456789").subarray(3, 6);
      const views = await startListener(open, {
        http: async () => ({ status: 200, headers: {}, body: bytes }),
      });
      expect(await (await fetch(views.url)).text()).toBe("345");
    });

    test("closes after the answer when the client asks for it", async () => {
      const { port } = await startListener(open, {});
      const client = await RawClient.connect(port);
      await client.write("POST / HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok");
      expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 200 OK\r\n.*ok$/s);
    });

    test("tells the length also when it closes after the answer", async () => {
      const { port } = await startListener(open, { http: async () => json(200, {}) });
      const client = await RawClient.connect(port);
      await client.write("GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      expect(await client.untilClosed()).toMatch(/content-length: 2\r\n.*\{\}$/is);
    });

    test("answers `expect: 100-continue`", async () => {
      const { port } = await startListener(open, {});
      const client = await RawClient.connect(port);
      await client.write("POST / HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
      await client.until((text) => text.startsWith("HTTP/1.1 100 Continue\r\n\r\n"));
      await client.write("ok");
      expect(await client.until((text) => text.endsWith("ok"))).toContain("HTTP/1.1 200 OK");
    });

    test.each([
      ["POST", "/other"],
      ["POST", "/ws"],
      ["GET", "/ws"],
    ])("serves %s %s of a client that would rather speak HTTP/2", async (method, path) => {
      const { port } = await startListener(open, {});
      const client = await RawClient.connect(port);
      // As Java's client sends its first request.
      await client.write(
        `${method} ${path} HTTP/1.1\r\nHost: x\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n` +
          "HTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\nContent-Length: 5\r\n\r\nhello",
      );
      expect(await client.response()).toMatchObject({ status: 200, body: "hello" });
      await client.write("GET /next HTTP/1.1\r\nHost: x\r\n\r\n");
      expect(await client.until((text) => /x-path: \/next/i.test(text))).toBeDefined();
    });

    test("gives an upgrade on another path to the HTTP handler", async () => {
      const { port } = await startListener(open, {});
      const client = await RawClient.connect(port);
      await client.write(
        "GET /other HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
          "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n",
      );
      expect((await client.response()).head).toContain("x-path: /other");
    });
  });
}
