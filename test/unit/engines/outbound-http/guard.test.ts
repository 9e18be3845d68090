import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, it } from "vitest";
import { openOutboundHttp } from "../../../../src/engines/outbound-http/node/outbound-http.ts";
import type { OutboundRequest } from "../../../../src/ports/outbound-http.ts";
import { openHttpServer } from "../../../support/http-server.ts";

const LIMITS = { timeoutMs: 5000, maxBytes: 65_536 } as const;
const get = (url: string): OutboundRequest => ({ method: "GET", url, ...LIMITS });
const nobody = (): boolean => false;
const loopback = (address: string): boolean => address.startsWith("127.");

describe("what is called", () => {
  it.each([
    "http://127.0.0.1:9/",
    "http://127.1:9/",
    "http://0x7f000001:9/",
    "http://2130706433:9/",
    "http://0177.0.0.1:9/",
    "http://[::1]:9/",
    "http://[::ffff:127.0.0.1]:9/",
    "http://[64:ff9b::7f00:1]:9/",
    "http://[2002:7f00:1::]:9/",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data",
    "http://100.100.100.200/",
    "http://0.0.0.0:9/",
    "http://[fe80::1]/",
    "http://[fd00:ec2::254]/",
    "http://localhost:9/",
  ])("%s is not", async (url) => {
    await using http = openOutboundHttp({ isAllowed: nobody });
    const refusal = { code: "permission_denied", hint: expect.stringContaining("MESHKORE_OUTBOUND_ALLOW") };
    await expect(http.request(get(url))).rejects.toMatchObject(refusal);
    await expect(http.check(url)).rejects.toMatchObject(refusal);
    await expect(http.stream({ ...get(url), idleMs: 1000 })).rejects.toMatchObject(refusal);
  });

  it.each([
    "ftp://127.0.0.1/",
    "file:///etc/passwd",
    "/path",
    "",
    "http://",
    "http://user@a.test/",
    "http://u:p@a.test",
  ])("%j is no URL that could be", async (url) => {
    await using http = openOutboundHttp({ isAllowed: () => true });
    await expect(http.request(get(url))).rejects.toMatchObject({ code: "invalid_argument" });
    await expect(http.check(url)).rejects.toMatchObject({ code: "invalid_argument" });
  });

  it("is what the operator allows", async () => {
    await using server = await openHttpServer((_request, response) => response.end("here"));
    await using http = openOutboundHttp({ isAllowed: loopback });
    const answer = await http.request(get(server.url));
    expect(answer.status).toBe(200);
    expect(Buffer.from(answer.body).toString()).toBe("here");
    await http.check(server.url);
  });

  it("depends on what the name means when it is connected to", async () => {
    let calls = 0;
    await using server = await openHttpServer((_request, response) => {
      calls++;
      response.end();
    });
    // The first look-up gives a public address, as an attacker's name server does while a URL is being checked.
    let lookups = 0;
    const resolve = async () => [{ address: ++lookups === 1 ? "8.8.8.8" : "127.0.0.1", family: 4 }];
    await using http = openOutboundHttp({ isAllowed: nobody, resolve });
    const url = `http://rebinding.test:${server.port}/`;
    await http.check(url);
    await expect(http.request(get(url))).rejects.toMatchObject({ code: "permission_denied" });
    expect(lookups).toBe(2);
    expect(calls).toBe(0);
  });

  it("is only what is public of a name with addresses of both kinds", async () => {
    let calls = 0;
    await using server = await openHttpServer((_request, response) => {
      calls++;
      response.end();
    });
    const addresses = ["10.1.2.3", "127.0.0.1", "127.0.0.2"].map((address) => ({ address, family: 4 }));
    const isAllowed = (address: string): boolean => address === "127.0.0.1";
    await using http = openOutboundHttp({ isAllowed, resolve: async () => addresses });
    await http.request(get(`http://mixed.test:${server.port}/`));
    expect(calls).toBe(1);
    await using strict = openOutboundHttp({ isAllowed: nobody, resolve: async () => addresses });
    await expect(strict.request(get(`http://mixed.test:${server.port}/`))).rejects.toMatchObject({
      code: "permission_denied",
    });
    expect(calls).toBe(1);
  });

  it("is no name that has no address", async () => {
    await using http = openOutboundHttp({ isAllowed: nobody, resolve: failing("ENOTFOUND") });
    await expect(http.request(get("http://nowhere.test/"))).rejects.toMatchObject({ code: "unavailable" });
    await expect(http.check("http://nowhere.test/")).rejects.toMatchObject({
      code: "invalid_argument",
      message: expect.stringContaining("nowhere.test"),
      hint: expect.stringContaining("spelled"),
    });
  });

  it("may be a name that nobody can look up now: connecting looks again", async () => {
    for (const code of ["EAI_AGAIN", "ETIMEOUT", "ESERVFAIL"]) {
      await using http = openOutboundHttp({ isAllowed: nobody, resolve: failing(code) });
      await http.check("http://later.test/");
      await expect(http.request(get("http://later.test/"))).rejects.toMatchObject({ code: "unavailable" });
    }
  });
});

/** A look-up that fails as the system's does. */
function failing(code: string): () => Promise<never> {
  return async () => {
    throw Object.assign(new Error(`queryA ${code}`), { code });
  };
}

describe("redirects", () => {
  it("are checked like any call", async () => {
    await using server = await openHttpServer((_request, response) => {
      response.writeHead(302, { location: "http://169.254.169.254/latest/meta-data" }).end();
    });
    await using http = openOutboundHttp({ isAllowed: loopback });
    const redirect = { ...get(server.url), maxRedirects: 3 };
    await expect(http.request(redirect)).rejects.toMatchObject({ code: "permission_denied" });
  });

  it("are followed as often as the caller says", async () => {
    await using server = await openHttpServer((request, response) => {
      const left = Number(new URL(request.url ?? "", "http://a").searchParams.get("left"));
      if (left > 0) response.writeHead(307, { location: `/?left=${left - 1}` }).end();
      else response.end("there");
    });
    await using http = openOutboundHttp({ isAllowed: loopback });
    const from = (left: number) => ({ ...get(`${server.url}/?left=${left}`), maxRedirects: 3 });
    const answer = await http.request(from(3));
    expect(answer.url).toBe(`${server.url}/?left=0`);
    expect(Buffer.from(answer.body).toString()).toBe("there");
    await expect(http.request(from(4))).rejects.toMatchObject({ code: "unavailable" });
    expect((await http.request(get(`${server.url}/?left=1`))).status).toBe(307);
  });

  it("to another origin take along no secret, to the same one all", async () => {
    const seen: IncomingHttpHeaders[] = [];
    await using other = await openHttpServer((request, response) => {
      seen.push(request.headers);
      response.end();
    });
    await using server = await openHttpServer((request, response) => {
      if (request.url === "/here") seen.push(request.headers);
      if (request.url === "/here") response.end();
      else response.writeHead(307, { location: request.url === "/out" ? other.url : "/here" }).end();
    });
    await using http = openOutboundHttp({ isAllowed: loopback });
    const headers = {
      authorization: "Bearer secret",
      cookie: "a=secret",
      "x-a2a-notification-token": "secret",
      "content-type": "application/json",
    };
    const post = (path: string): OutboundRequest => ({
      ...{ method: "POST", url: `${server.url}${path}`, headers, body: "{}", maxRedirects: 2 },
      ...LIMITS,
    });
    await http.request(post("/out"));
    await http.request(post("/in"));
    expect(seen).toHaveLength(2);
    expect(JSON.stringify(seen[0])).not.toContain("secret");
    expect(seen[0]?.["content-type"]).toBe("application/json");
    expect(seen[1]).toMatchObject(headers);
  });

  it("do not turn what is sent into something else", async () => {
    const methods: string[] = [];
    await using server = await openHttpServer((request, response) => {
      methods.push(request.method ?? "");
      response.writeHead(302, { location: "/else" }).end();
    });
    await using http = openOutboundHttp({ isAllowed: loopback });
    const answer = await http.request({ ...get(server.url), method: "POST", body: "{}", maxRedirects: 3 });
    expect(answer.status).toBe(302);
    expect(methods).toEqual(["POST"]);
  });
});
