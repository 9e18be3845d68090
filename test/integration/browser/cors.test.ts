import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { WebSocket } from "ws";
import { EventStreamClient } from "../../support/event-stream.ts";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { OpenApiCheck } from "../../support/openapi-check.ts";

const LISTED = "https://app.example";
const LOCAL = "http://localhost:5173";
const FOREIGN = "https://evil.example";
const ALLOW = "access-control-allow-origin";

let hub: TestHub;
let alice: TestAgent;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_CORS_ORIGINS: `${LISTED}, https://other.example` } });
  alice = await hub.join("alice");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

async function preflight(origin: string, method: string, path: string, wanted: string): Promise<Headers> {
  const headers = {
    origin,
    "access-control-request-method": method,
    "access-control-request-headers": wanted,
  };
  const answer = await hub.call("OPTIONS", path, { headers });
  expect(answer.status, `${method} ${path}`).toBe(204);
  return answer.headers;
}

/** What browsers ask to send, by face. */
const REST_HEADERS = "authorization,content-type,last-event-id,traceparent";
const CONNECT_HEADERS = "authorization,connect-protocol-version,connect-timeout-ms,content-type";
const GRPC_WEB_HEADERS = "authorization,content-type,grpc-timeout,x-grpc-web,x-user-agent";
const PROCEDURES = ["/meshkore.v1.RelayService/Send", "/meshkore.v1.RelayService/Attach"];

describe("pages of listed origins", () => {
  test("may make every call of REST, with every header that it knows", async () => {
    const check = new OpenApiCheck(Object((await hub.call("GET", "/openapi.json")).json));
    const names = check.operations();
    expect(names.some((name) => name.startsWith("PATCH"))).toBe(true);
    for (const name of names) {
      const [method = "", path = ""] = name.split(" ");
      const headers = await preflight(LISTED, method, path.replace(/\{\w+\}/g, "some"), REST_HEADERS);
      expect(headers.get(ALLOW), name).toBe(LISTED);
      expect(headers.get("access-control-allow-methods")?.split(", "), name).toContain(method);
      expect(headers.get("access-control-allow-headers")).toBe(REST_HEADERS);
    }
  });

  test.each([CONNECT_HEADERS, GRPC_WEB_HEADERS])("may call procedures with %s", async (wanted) => {
    for (const path of PROCEDURES) {
      const headers = await preflight(LOCAL, "POST", path, wanted);
      expect(headers.get(ALLOW)).toBe(LOCAL);
      expect(headers.get("access-control-allow-methods")).toContain("POST");
      expect(headers.get("access-control-allow-headers")).toBe(wanted);
    }
  });

  test("read answers and refusals alike, and what stands in their headers", async () => {
    const headers = { origin: LISTED };
    const answers = [
      await alice.call("GET", "/stats", { headers }),
      await hub.call("GET", "/stats", { headers }),
      await hub.call("GET", "/no-such-path", { headers }),
      await hub.call("DELETE", "/send", { headers }),
      await hub.call("POST", "/meshkore.v1.RelayService/Send", { headers, body: {} }),
      await hub.call("POST", "/meshkore.v1.RelayService/NoSuch", { headers, body: {} }),
    ];
    for (const answer of answers) {
      expect(answer.headers.get(ALLOW), answer.text).toBe(LISTED);
      const exposed = answer.headers.get("access-control-expose-headers")?.split(", ");
      expect(exposed).toEqual(
        expect.arrayContaining(["retry-after", "www-authenticate", "grpc-status", "grpc-message"]),
      );
      expect(answer.headers.get("vary")).toContain("origin");
      expect(answer.headers.get("access-control-allow-credentials")).toBeNull();
    }
  });

  test("read streams", async () => {
    const options = { token: alice.token, headers: { origin: LISTED } };
    const client = await EventStreamClient.open(`${hub.http}/messages/stream`, options);
    expect(client.response.headers.get(ALLOW)).toBe(LISTED);
    client.close();
  });
});

describe("pages of other origins", () => {
  test.each([FOREIGN, "null", "http://app.example", "https://app.example:8443"])(
    "%s may not",
    async (origin) => {
      const headers = await preflight(origin, "POST", "/send", REST_HEADERS);
      const permissions = [...headers.keys()].filter((name) => name.startsWith("access-control-"));
      expect(permissions).toEqual([]);
      const answer = await alice.call("GET", "/stats", { headers: { origin } });
      expect(answer.headers.get(ALLOW)).toBeNull();
      for (const path of PROCEDURES) {
        expect((await preflight(origin, "POST", path, CONNECT_HEADERS)).get(ALLOW)).toBeNull();
      }
    },
  );
});

describe("WebSockets, which browsers do not guard", () => {
  const outcome = (origin: string | undefined): Promise<string | number> =>
    new Promise((resolve, reject) => {
      const headers = { authorization: `Bearer ${alice.token}`, ...(origin !== undefined && { origin }) };
      const socket = new WebSocket(`${hub.http.replace("http", "ws")}/ws`, { headers });
      socket.on("open", () => {
        resolve("open");
        socket.close();
      });
      socket.on("unexpected-response", (request, response) => {
        resolve(response.statusCode ?? 0);
        request.destroy();
      });
      socket.on("error", reject);
    });

  test.each([
    [undefined, "open"],
    [LISTED, "open"],
    [LOCAL, "open"],
    [FOREIGN, 403],
    ["null", 403],
  ])("of %s: %s", async (origin, expected) => {
    expect(await outcome(origin)).toBe(expected);
  });
});
