import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import { brotliCompressSync, gzipSync } from "node:zlib";
import { describe, expect, it } from "vitest";
import { openOutboundHttp } from "../../../../src/engines/outbound-http/node/outbound-http.ts";
import { MeshError } from "../../../../src/model/errors.ts";
import type { OutboundRequest } from "../../../../src/ports/outbound-http.ts";
import { createCertificate, openCertificateDir } from "../../../support/certificate.ts";
import { openHttpServer, textOf } from "../../../support/http-server.ts";
import { until } from "../../../support/until.ts";

const isAllowed = (address: string): boolean => address === "127.0.0.1";
const get = (url: string, changes: Partial<OutboundRequest> = {}): OutboundRequest => ({
  ...{ method: "GET", url, timeoutMs: 5000, maxBytes: 1000 },
  ...changes,
});

describe("answers", () => {
  it("come back as they were sent: status, headers, bytes", async () => {
    await using server = await openHttpServer(async (request, response) => {
      const body = await textOf(request);
      response.writeHead(418, { "x-say": body, "retry-after": "7" }).end(Buffer.from([0, 255, 1]));
    });
    await using http = openOutboundHttp({ isAllowed });
    const answer = await http.request(get(server.url, { method: "POST", body: "hello" }));
    expect(answer).toMatchObject({ status: 418, headers: { "x-say": "hello", "retry-after": "7" } });
    expect([...answer.body]).toEqual([0, 255, 1]);
  });

  it("are refused beyond the bound, whether or not the server tells the length", async () => {
    await using server = await openHttpServer((request, response) => {
      if (request.url === "/told") response.writeHead(200, { "content-length": "1001" });
      response.end(Buffer.alloc(request.url === "/fits" ? 1000 : 1001));
    });
    await using http = openOutboundHttp({ isAllowed });
    expect((await http.request(get(`${server.url}/fits`))).body.length).toBe(1000);
    for (const path of ["/told", "/untold"]) {
      await expect(http.request(get(`${server.url}${path}`))).rejects.toMatchObject({ code: "too_large" });
    }
  });

  it("end early when they have no end", async () => {
    let closed = false;
    await using server = await openHttpServer((_request, response) => {
      response.once("close", () => {
        closed = true;
      });
      const write = (): void => {
        while (!closed && response.write(Buffer.alloc(4096)));
      };
      response.on("drain", write);
      write();
    });
    await using http = openOutboundHttp({ isAllowed });
    await expect(http.request(get(server.url))).rejects.toMatchObject({ code: "too_large" });
    await until("the connection is closed", () => closed);
  });

  it.each([
    ["gzip", gzipSync],
    ["br", brotliCompressSync],
  ])("that are a bomb in %s go off no further than the bound", async (coding, compress) => {
    const bomb = compress(Buffer.alloc(64 * 1_048_576));
    await using server = await openHttpServer((request, response) => {
      response.writeHead(200, { "content-encoding": coding });
      response.end(request.url === "/bomb" ? bomb : compress(Buffer.from("small")));
    });
    await using http = openOutboundHttp({ isAllowed });
    const small = await http.request(get(server.url));
    expect(Buffer.from(small.body).toString()).toBe("small");
    const before = process.memoryUsage().arrayBuffers;
    await expect(http.request(get(`${server.url}/bomb`))).rejects.toMatchObject({ code: "too_large" });
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(16 * 1_048_576);
  });

  it("are refused when their coding is unknown or broken", async () => {
    await using server = await openHttpServer((request, response) => {
      response
        .writeHead(200, { "content-encoding": request.url === "/x" ? "zstd-x" : "gzip" })
        .end("not that");
    });
    await using http = openOutboundHttp({ isAllowed });
    for (const path of ["/x", "/broken"]) {
      await expect(http.request(get(`${server.url}${path}`))).rejects.toMatchObject({ code: "unavailable" });
    }
  });
});

describe("time", () => {
  it("is bounded from the call to the last byte", async () => {
    await using server = await openHttpServer((request, response) => {
      if (request.url === "/silent") return;
      response.write("a");
      const dripping = setInterval(() => response.write("a"), 20);
      response.once("close", () => clearInterval(dripping));
    });
    await using http = openOutboundHttp({ isAllowed });
    for (const path of ["/silent", "/dripping"]) {
      const late = http.request(get(`${server.url}${path}`, { timeoutMs: 150 }));
      await expect(late).rejects.toMatchObject({
        code: "unavailable",
        message: expect.stringContaining("150 ms"),
      });
    }
  });

  it("ends with the caller's patience", async () => {
    await using server = await openHttpServer(() => undefined);
    await using http = openOutboundHttp({ isAllowed });
    const leaving = new AbortController();
    const call = http.request(get(server.url, { signal: leaving.signal }));
    leaving.abort(new MeshError("gone", "not wanted any more"));
    await expect(call).rejects.toMatchObject({ code: "gone" });
    await expect(http.request(get(server.url, { signal: leaving.signal }))).rejects.toMatchObject({
      code: "gone",
    });
  });
});

describe("servers that misbehave", () => {
  it("get a typed error, whatever they do", async () => {
    const answers = [
      "SSH-2.0-OpenSSH\r\n",
      "HTTP/1.1 200 OK\r\ncontent-length: 10\r\n\r\nabc",
      "",
      "HTTP/1.1 101 X\r\nupgrade: y\r\nconnection: upgrade\r\n\r\n",
      `HTTP/1.1 200 OK\r\nx: ${"a".repeat(40_000)}\r\n\r\n`,
    ];
    let count = 0;
    const server = createServer((socket) => {
      const answer = answers[count++];
      socket.on("error", () => undefined).on("data", () => socket.end(answer ?? ""));
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const address = server.address();
    const port = typeof address === "object" ? address?.port : undefined;
    await using http = openOutboundHttp({ isAllowed });
    for (const answer of answers) {
      const call = http.request(get(`http://127.0.0.1:${port}/`));
      await expect(call, JSON.stringify(answer.slice(0, 40))).rejects.toMatchObject({ code: "unavailable" });
    }
    server.close();
    await expect(http.request(get(`http://127.0.0.1:${port}/`))).rejects.toMatchObject({
      code: "unavailable",
    });
  });

  it("get no more than eight calls at once, and the others their turn", async () => {
    let atOnce = 0;
    let most = 0;
    const held: (() => void)[] = [];
    await using server = await openHttpServer((_request, response) => {
      atOnce++;
      most = Math.max(most, atOnce);
      held.push(() => {
        atOnce--;
        response.end();
      });
    });
    await using http = openOutboundHttp({ isAllowed });
    const calls = Array.from({ length: 20 }, () => http.request(get(server.url)));
    await until("eight are there", () => held.length === 8);
    let answered = 0;
    while (answered < 20) {
      const next = await until("the next one is there", () => held.shift());
      next();
      answered++;
    }
    await Promise.all(calls);
    expect(most).toBe(8);
  });

  it("that close kept connections cost no call", async () => {
    await using server = await openHttpServer((_request, response) => {
      response.end("ok", () => setImmediate(() => response.socket?.destroy()));
    });
    await using http = openOutboundHttp({ isAllowed });
    for (let call = 0; call < 30; call++) expect((await http.request(get(server.url))).status).toBe(200);
  });
});

describe("streams", () => {
  it("give each piece as it comes, and end the connection of who stops reading", async () => {
    let closed = false;
    let send: ((text: string) => void) | undefined;
    await using server = await openHttpServer((_request, response) => {
      response.writeHead(200, { "content-type": "text/event-stream" }).flushHeaders();
      send = (text) => response.write(text);
      response.once("close", () => {
        closed = true;
      });
    });
    await using http = openOutboundHttp({ isAllowed });
    const stream = await http.stream({ ...get(server.url), idleMs: 5000 });
    expect(stream.headers["content-type"]).toBe("text/event-stream");
    const reader = stream.chunks[Symbol.asyncIterator]();
    for (const text of ["one", "two"]) {
      send?.(text);
      const { value } = await reader.next();
      expect(Buffer.from(value ?? []).toString()).toBe(text);
    }
    await reader.return?.();
    await until("the connection is closed", () => closed);
  });

  it("break off when nothing comes for too long, or too much", async () => {
    await using server = await openHttpServer((request, response) => {
      response.write(request.url === "/much" ? Buffer.alloc(1001) : "a");
    });
    await using http = openOutboundHttp({ isAllowed });
    const read = async (path: string): Promise<void> => {
      const stream = await http.stream({ ...get(`${server.url}${path}`), idleMs: 100 });
      for await (const _ of stream.chunks);
    };
    await expect(read("/idle")).rejects.toMatchObject({ code: "unavailable" });
    await expect(read("/much")).rejects.toMatchObject({ code: "too_large" });
  });
});

describe("TLS", () => {
  it("is checked, and no redirect leads out of it", async () => {
    await using dir = await openCertificateDir();
    const { certPath, keyPath } = await createCertificate(dir.path, "remote");
    const [cert, key] = await Promise.all([readFile(certPath, "utf8"), readFile(keyPath, "utf8")]);
    await using plain = await openHttpServer((_request, response) => response.end("plain"));
    await using server = await openHttpServer(
      (request, response) => {
        if (request.url === "/down") response.writeHead(307, { location: plain.url }).end();
        else response.end("safe");
      },
      { cert, key },
    );
    await using strict = openOutboundHttp({ isAllowed });
    await expect(strict.request(get(server.url))).rejects.toMatchObject({ code: "unavailable" });
    await using http = openOutboundHttp({ isAllowed, authorities: cert });
    expect(Buffer.from((await http.request(get(server.url))).body).toString()).toBe("safe");
    const down = http.request(get(`${server.url}/down`, { maxRedirects: 3 }));
    await expect(down).rejects.toMatchObject({ code: "permission_denied" });
  });
});
