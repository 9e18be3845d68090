import { describe, expect, test } from "vitest";
import { createCors, guardSocketOrigin } from "../../../src/listeners/cors.ts";
import type { HttpRequest, HttpResponse, SocketDecision } from "../../../src/ports/listener.ts";

function requestWith(headers: Readonly<Record<string, string>>): HttpRequest {
  return {
    method: "GET",
    path: "/",
    query: "",
    headers: new Map(Object.entries(headers)),
    remoteAddress: "127.0.0.1",
    signal: new AbortController().signal,
    body: async () => new Uint8Array(0),
  };
}

const OK: HttpResponse = { status: 200, headers: { "content-type": "text/plain" }, body: "x" };

describe("the list of origins", () => {
  test.each([
    ["http://localhost", true],
    ["http://localhost:5173", true],
    ["https://127.0.0.1:7400", true],
    ["http://[::1]:80", true],
    ["https://app.example", true],
    ["https://app.example:444", false],
    ["http://app.example", false],
    ["https://evil.example", false],
    ["https://localhost.evil.example", false],
    ["http://localhost:1@evil.example", false],
    ["http://127.0.0.1.evil.example", false],
    ["null", false],
    ["", false],
  ])("%s: %s", (origin, isAllowed) => {
    expect(createCors({ origins: ["https://app.example"] }).allows(origin)).toBe(isAllowed);
  });

  test("may be everybody", () => {
    expect(createCors({ origins: ["*"] }).allows("https://any.example")).toBe(true);
  });

  test.each(["app.example", "https://app.example/path", "ftp:app", ""])(
    "refuses %j as an entry",
    (origin) => {
      expect(() => createCors({ origins: [origin] })).toThrow(
        expect.objectContaining({ code: "invalid_argument" }),
      );
    },
  );

  test("takes an entry with a slash at the end or in capitals", () => {
    expect(createCors({ origins: ["https://App.Example/"] }).allows("https://app.example")).toBe(true);
  });
});

describe("responses", () => {
  const cors = createCors({ origins: [] });

  test("to an allowed page say so, and let it read retry-after", () => {
    const { headers } = cors.decorate(requestWith({ origin: "http://localhost:1" }), OK);
    expect(headers["access-control-allow-origin"]).toBe("http://localhost:1");
    expect(headers["access-control-expose-headers"]).toContain("retry-after");
    expect(headers["vary"]).toBe("origin");
    expect(headers["content-type"]).toBe("text/plain");
  });

  test.each([{}, { origin: "https://evil.example" }])("to others only vary (%j)", (headers) => {
    const response = { ...OK, headers: { vary: "accept" } };
    expect(cors.decorate(requestWith(headers), response).headers).toEqual({ vary: "accept, origin" });
  });
});

describe("preflights", () => {
  const cors = createCors({ origins: [] });
  const origin = "http://localhost:1";

  test("are answered with the methods and the headers that were asked for", () => {
    const request = requestWith({
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "authorization, x-y",
    });
    expect(cors.preflight(request, ["GET", "POST"])).toEqual({
      status: 204,
      headers: {
        allow: "GET, POST",
        vary:
          "origin, access-control-request-method, access-control-request-headers, " +
          "access-control-request-private-network",
        "access-control-allow-origin": origin,
        "access-control-allow-methods": "GET, POST",
        "access-control-allow-headers": "authorization, x-y",
        "access-control-max-age": "600",
      },
      body: "",
    });
  });

  test.each([
    [origin, "true"],
    ["https://evil.example", undefined],
  ])("into a private network, of %s: %s", (page, permission) => {
    const request = requestWith({
      origin: page,
      "access-control-request-method": "GET",
      "access-control-request-private-network": "true",
    });
    expect(cors.preflight(request, ["GET"]).headers["access-control-allow-private-network"]).toBe(permission);
  });

  test("do not send back what is no list of header names", () => {
    const request = requestWith({
      origin,
      "access-control-request-method": "POST",
      "access-control-request-headers": "a\r\nset-cookie: b",
    });
    expect(cors.preflight(request, ["POST"]).headers["access-control-allow-headers"]).toBeUndefined();
  });

  test("of other pages are answered without permission", () => {
    const request = requestWith({ origin: "https://evil.example", "access-control-request-method": "POST" });
    const { headers } = cors.preflight(request, ["POST"]);
    expect(Object.keys(headers).filter((name) => name.startsWith("access-control-"))).toEqual([]);
  });
});

describe("the guard of upgrades", () => {
  const accepted: SocketDecision = {
    kind: "accept",
    subprotocol: "",
    open: () => ({ message: () => undefined, drained: () => undefined, closed: () => undefined }),
  };
  const guarded = guardSocketOrigin(createCors({ origins: [] }), () => accepted);
  const upgradeFrom = (origin: string | undefined) => ({
    headers: new Map(origin === undefined ? [] : [["origin", origin]]),
    query: "",
    remoteAddress: "127.0.0.1",
  });

  test("lets programs and allowed pages through, and nobody else", () => {
    expect(guarded(upgradeFrom(undefined))).toBe(accepted);
    expect(guarded(upgradeFrom("http://localhost:5173"))).toBe(accepted);
    expect(guarded(upgradeFrom("null"))).toMatchObject({ kind: "refuse", response: { status: 403 } });
    expect(guarded(upgradeFrom("https://evil.example"))).toMatchObject({ kind: "refuse" });
  });
});
