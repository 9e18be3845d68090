import { describe, expect, test } from "vitest";
import { createCors } from "../../../src/listeners/cors.ts";
import { createHttpHandler } from "../../../src/listeners/mounts.ts";
import type { HttpHandler, Route } from "../../../src/ports/listener.ts";
import { json, type OpenListener, startListener } from "./listener-fixture.ts";
import { RawClient } from "./raw-client.ts";

const routes: readonly Route[] = [
  { method: "GET", path: "/agents", handle: async () => json(200, { list: true }) },
  { method: "GET", path: "/agents/:id", handle: async (_request, params) => json(200, params) },
  { method: "POST", path: "/agents/:id", handle: async (_request, params) => json(201, params) },
];

function createHandler(): HttpHandler {
  return createHttpHandler({
    routes,
    cors: createCors({ origins: ["https://app.example"] }),
    notFound: () => json(404, { error: { code: "not_found" } }),
    methodNotAllowed: (_request, allowed) => json(405, { error: { code: "not_found", allowed } }),
    badRequest: (_request, error) => json(400, { error: { code: error.code } }),
  });
}

/** The path table behind a real listener. */
export function describeRoutes(name: string, open: OpenListener): void {
  describe(`${name}: paths`, () => {
    test("decodes parameters", async () => {
      const { url } = await startListener(open, { http: createHandler() });
      expect(await (await fetch(`${url}/agents/a%2Fb%20%C5%BE`)).json()).toEqual({ id: "a/b ž" });
    });

    test.each([
      ["GET", "/agents/%zz", 400],
      ["GET", "/agents/%ff", 400],
      ["GET", "/agents/%00", 400],
      ["GET", "/agents/", 200],
      ["GET", "/agents//", 404],
      ["GET", "//agents", 404],
      ["GET", "/agents/../agents", 404],
      ["GET", "/x/%2e%2e/agents", 404],
      ["GET", "/agents/..", 404],
      ["GET", "/agents/a/b", 404],
      ["GET", "/nobody", 404],
      ["GET", "/AGENTS", 404],
      ["PUT", "/agents", 405],
      ["OPTIONS", "/nobody", 404],
    ])("%s %s is answered %d", async (method, path, status) => {
      const { port } = await startListener(open, { http: createHandler() });
      const client = await RawClient.connect(port);
      await client.write(`${method} ${path} HTTP/1.1\r\nHost: x\r\n\r\n`);
      expect((await client.response()).status).toBe(status);
    });

    test("a method that nobody knows is refused, by the path table or before it", async () => {
      const { port } = await startListener(open, { http: createHandler() });
      const client = await RawClient.connect(port);
      await client.write("BREW /agents HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
      expect(await client.untilClosed()).toMatch(/^HTTP\/1\.1 40[05] /);
    });

    test("405 says what is allowed", async () => {
      const { url } = await startListener(open, { http: createHandler() });
      const response = await fetch(`${url}/agents/a`, { method: "DELETE" });
      expect(response.status).toBe(405);
      expect(response.headers.get("allow")).toBe("GET, POST, HEAD, OPTIONS");
    });

    test("HEAD is served by GET", async () => {
      const { url } = await startListener(open, { http: createHandler() });
      const response = await fetch(`${url}/agents`, { method: "HEAD" });
      expect([response.status, response.headers.get("content-length")]).toEqual([200, "13"]);
    });

    test("a preflight of an allowed page is answered, one of another page is not", async () => {
      const { url } = await startListener(open, { http: createHandler() });
      const preflight = (origin: string) =>
        fetch(`${url}/agents/a`, {
          method: "OPTIONS",
          headers: {
            origin,
            "access-control-request-method": "POST",
            "access-control-request-headers": "authorization,content-type",
          },
        });
      const good = await preflight("http://localhost:5173");
      expect(good.status).toBe(204);
      expect(good.headers.get("access-control-allow-origin")).toBe("http://localhost:5173");
      expect(good.headers.get("access-control-allow-methods")).toContain("POST");
      expect(good.headers.get("access-control-allow-headers")).toBe("authorization,content-type");
      expect(good.headers.get("vary")).toContain("origin");
      const bad = await preflight("https://evil.example");
      expect(bad.headers.get("access-control-allow-origin")).toBeNull();
      expect(bad.headers.get("vary")).toContain("origin");
    });
  });
}
