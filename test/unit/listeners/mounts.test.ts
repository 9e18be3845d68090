import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createCors } from "../../../src/listeners/cors.ts";
import { createHttpHandler } from "../../../src/listeners/mounts.ts";
import type { HttpRequest, HttpResponse, Route } from "../../../src/ports/listener.ts";

const cors = createCors({ origins: [] });

function requestFor(
  method: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
): HttpRequest {
  return {
    method,
    path,
    query: "",
    headers: new Map(Object.entries(headers)),
    remoteAddress: "127.0.0.1",
    signal: new AbortController().signal,
    body: async () => new Uint8Array(0),
  };
}

function routeNaming(method: Route["method"], path: string): Route {
  return {
    method,
    path,
    handle: async (_request, params) => ({
      status: 200,
      headers: {},
      body: JSON.stringify({ path, params }),
    }),
  };
}

function textResponse(status: number, body: string): HttpResponse {
  return { status, headers: {}, body };
}

function createTable(routes: readonly Route[], withBadRequest = true) {
  return createHttpHandler({
    routes,
    cors,
    notFound: () => textResponse(404, "not found"),
    methodNotAllowed: (_request, allowed) => textResponse(405, allowed.join(" ")),
    ...(withBadRequest
      ? { badRequest: (_request: HttpRequest, error: Error) => textResponse(400, error.message) }
      : {}),
  });
}

describe("the path table", () => {
  test("prefers a literal segment, and falls back to the parameter for other methods", async () => {
    const handler = createTable([
      routeNaming("GET", "/agents/me"),
      routeNaming("GET", "/agents/:id"),
      routeNaming("DELETE", "/agents/:id"),
    ]);
    expect((await handler(requestFor("GET", "/agents/me"))).body).toContain('"path":"/agents/me"');
    expect((await handler(requestFor("GET", "/agents/you"))).body).toContain('"params":{"id":"you"}');
    expect((await handler(requestFor("DELETE", "/agents/me"))).body).toContain('"params":{"id":"me"}');
  });

  test("serves the root and punctuation as it is written", async () => {
    const paths = [
      "/",
      "/message:send",
      "/meshkore.v1.RelayService/Send",
      "/.well-known/agent-card.json",
      "/a*b",
      "/~(x)+",
    ];
    const handler = createTable(paths.map((path) => routeNaming("POST", path)));
    for (const path of paths) {
      expect((await handler(requestFor("POST", path))).body).toBe(JSON.stringify({ path, params: {} }));
    }
    expect((await handler(requestFor("POST", "/aXb"))).status).toBe(404);
    expect((await handler(requestFor("POST", "/messageXsend"))).status).toBe(404);
  });

  test.each([
    [routeNaming("GET", "/a/b"), routeNaming("GET", "/a/b")],
    [routeNaming("GET", "/a/:x"), routeNaming("GET", "/a/:y")],
  ])("refuses two routes of one method and path", (first, second) => {
    expect(() => createTable([first, second])).toThrow(expect.objectContaining({ code: "invalid_argument" }));
  });

  test("takes one path for two methods", () => {
    expect(() => createTable([routeNaming("GET", "/a"), routeNaming("POST", "/a")])).not.toThrow();
  });

  test.each(["", "a", "/a/", "//", "/a//b", "/:", "/:a-b", "/:a?", "/a b", "/../a", "/a/.", "/é"])(
    "refuses the path %j",
    (path) => {
      expect(() => createTable([routeNaming("GET", path)])).toThrow(
        expect.objectContaining({ code: "invalid_argument" }),
      );
    },
  );

  test("answers broken encoding as not found where nothing else is said", async () => {
    const handler = createTable([routeNaming("GET", "/a/:x")], false);
    expect((await handler(requestFor("GET", "/a/%E0%A4%A"))).status).toBe(404);
  });

  test("says what a path allows, to 405 and to OPTIONS", async () => {
    const handler = createTable([
      routeNaming("GET", "/a/:x"),
      routeNaming("PATCH", "/a/:x"),
      routeNaming("PUT", "/b"),
    ]);
    const refused = await handler(requestFor("POST", "/a/1"));
    expect([refused.status, refused.headers["allow"]]).toEqual([405, "GET, PATCH, HEAD, OPTIONS"]);
    const options = await handler(requestFor("OPTIONS", "/b"));
    expect([options.status, options.headers["allow"]]).toEqual([204, "PUT, OPTIONS"]);
  });

  test("gives a parameter back as it was before encoding", async () => {
    const handler = createTable([routeNaming("GET", "/a/:x/c")]);
    await fc.assert(
      fc.asyncProperty(fc.string({ unit: "grapheme", minLength: 1 }), async (text) => {
        fc.pre(!/^\.{1,2}$/.test(text) && ![...text].some((char) => char < " " || char === "\x7f"));
        const response = await handler(requestFor("GET", `/a/${encodeURIComponent(text)}/c`));
        expect(response.body).toBe(JSON.stringify({ path: "/a/:x/c", params: { x: text } }));
      }),
    );
  });

  test("answers any path whatever with one of its answers, and never serves an empty or dot segment", async () => {
    const handler = createTable([
      routeNaming("GET", "/a/:x"),
      routeNaming("GET", "/:x"),
      routeNaming("GET", "/"),
    ]);
    const piece = fc.constantFrom(
      "/",
      ".",
      "..",
      "%2e",
      "%2E%2e",
      "a",
      "%",
      "%zz",
      "%ff",
      "\\",
      " ",
      "é",
      "\0",
      ":x",
      "*",
      "?",
    );
    await fc.assert(
      fc.asyncProperty(fc.array(piece, { maxLength: 8 }), async (pieces) => {
        const path = `/${pieces.join("")}`;
        const { status } = await handler(requestFor("GET", path));
        expect([200, 400, 404]).toContain(status);
        const inner = path.replace(/\/$/, "").split("/").slice(1);
        const isUnsafe = inner.some((segment) => /^(?:\.|%2e){0,2}$/i.test(segment)) && path !== "/";
        if (isUnsafe) expect(status).not.toBe(200);
      }),
      { numRuns: 500 },
    );
  });
});

describe("a face that has all paths which start alike", () => {
  const handler = createHttpHandler({
    routes: [routeNaming("POST", "/rpc.v1.Known/Call"), routeNaming("POST", "/rpc/:id")],
    prefixes: [
      { prefix: "/rpc.v1.", method: "POST", handle: async ({ path }) => textResponse(200, `face ${path}`) },
    ],
    cors,
    notFound: () => textResponse(404, "not found"),
    methodNotAllowed: (_request, allowed) => textResponse(405, allowed.join(" ")),
  });

  test.each(["/rpc.v1.Known/Call", "/rpc.v1.Other/Call/More", "/rpc.v1."])(
    "is asked for %s",
    async (path) => {
      expect(await handler(requestFor("POST", path))).toMatchObject({ status: 200, body: `face ${path}` });
    },
  );

  test("leaves other paths to the routes", async () => {
    expect((await handler(requestFor("POST", "/rpc/v1"))).body).toContain('"path":"/rpc/:id"');
    expect((await handler(requestFor("POST", "/rpc.v2.Known/Call"))).status).toBe(404);
  });

  test("has the one method", async () => {
    const refused = await handler(requestFor("GET", "/rpc.v1.Known/Call"));
    expect(refused).toMatchObject({ status: 405, headers: { allow: "POST, OPTIONS" } });
    expect((await handler(requestFor("OPTIONS", "/rpc.v1.Known/Call"))).headers["allow"]).toBe(
      "POST, OPTIONS",
    );
  });

  test("does not get a path that reads differently for a proxy", async () => {
    expect((await handler(requestFor("POST", "/rpc.v1.Known/../Call"))).status).toBe(404);
  });
});
