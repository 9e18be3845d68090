import { cors } from "@connectrpc/connect";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";

/** What somebody sends who has no client library: curl, a page, a scanner. */

let hub: TestHub;
let alice: TestAgent;
beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_CORS_ORIGINS: "https://app.example" } });
  alice = await hub.join("alice");
  await hub.join("bob");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

interface Raw {
  readonly method?: string;
  readonly type?: string;
  readonly body?: string | Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

async function ask(
  procedure: string,
  { method = "POST", type = "application/json", body = "{}", headers }: Raw,
) {
  const response = await fetch(`${hub.http}/meshkore.v1.${procedure}`, {
    method,
    headers: {
      authorization: `Bearer ${alice.apiKey}`,
      ...(type !== "" && { "content-type": type }),
      ...headers,
    },
    ...(method === "POST" && { body: typeof body === "string" ? body : Buffer.from(body) }),
  });
  const bytes = Buffer.from(await response.arrayBuffer());
  return { status: response.status, headers: response.headers, bytes, text: bytes.toString() };
}

/** A message behind its five bytes: flags and length. */
function enveloped(message: string | Uint8Array, flags = 0): Buffer {
  const bytes = Buffer.from(message);
  const head = Buffer.alloc(5);
  head.writeUInt8(flags);
  head.writeUInt32BE(bytes.length, 1);
  return Buffer.concat([head, bytes]);
}

test("a message is sent with curl's own means", async () => {
  const { status, text } = await ask("RelayService/Send", { body: '{"to":"bob","payload":"aGVsbG8="}' });
  expect(status).toBe(200);
  expect(JSON.parse(text)).toEqual({
    messageId: expect.stringMatching(/^[0-9a-f-]{36}$/),
    epoch: "1",
    offset: "1",
  });
});

test("names of fields are taken as the schema writes them, too", async () => {
  const { status } = await ask("RelayService/Send", {
    body: '{"to":"bob","content_type":"text/plain","ttl_ms":"5000"}',
  });
  expect(status).toBe(200);
});

describe("JSON that does not fit is refused with what is wrong, and a hint", () => {
  test.each([
    ['{"too":"bob"}', /"too" is unknown/, "ERROR_CODE_INVALID_ARGUMENT"],
    ['{"to":7}', /SendRequest\.to/, "ERROR_CODE_INVALID_ARGUMENT"],
    ['{"to":"bob","payload":"%"}', /payload/, "ERROR_CODE_INVALID_ARGUMENT"],
    ['{"to":"bob","priority":"PRIORITY_URGENT"}', /PRIORITY_URGENT/, "ERROR_CODE_INVALID_ARGUMENT"],
    ['{"to":"bob","priority":9}', /priority has no value 9/, "ERROR_CODE_INVALID_ARGUMENT"],
    ['{"to":"bob","ttlMs":"18446744073709551615"}', /ttl_ms is out of range/, "ERROR_CODE_INVALID_ARGUMENT"],
    ['{"to":"bob","ttlMs":-1}', /ttl_ms/, "ERROR_CODE_INVALID_ARGUMENT"],
    ['{"to":"bob"', /JSON/, "ERROR_CODE_MALFORMED"],
    ["", /JSON/, "ERROR_CODE_MALFORMED"],
    ["[".repeat(500_000), /JSON/, "ERROR_CODE_MALFORMED"],
    ["[]", /SendRequest/, "ERROR_CODE_INVALID_ARGUMENT"],
    ['{"to":"Bob!"}', /not an address/, "ERROR_CODE_INVALID_ARGUMENT"],
  ])("%.40s", async (body, message, meshCode) => {
    const { status, text, headers } = await ask("RelayService/Send", { body });
    expect([status, headers.get("content-type")]).toEqual([400, "application/json"]);
    const error = JSON.parse(text);
    expect(error).toMatchObject({ code: "invalid_argument", message: expect.stringMatching(message) });
    expect(error.details[0].debug).toMatchObject({ code: meshCode, hint: expect.stringMatching(/./) });
  });
});

describe("what no client of the protocols sends is answered in the protocol's own words", () => {
  test.each<[string, Raw, number, RegExp]>([
    ["RelayService/Send", { type: "application/x-www-form-urlencoded" }, 415, /send application\/json/],
    ["RelayService/Send", { type: "" }, 415, /send application\/json/],
    ["RelayService/Send", { type: "application/grpc" }, 415, /port of its own/],
    ["RelayService/Attach", { type: "application/json" }, 415, /connect\+json for a stream/],
    ["RelayService/Send", { type: "application/connect+json", body: enveloped("{}") }, 200, /does not fit/],
    ["RelayService/Send", { method: "GET" }, 405, /use POST/],
    ["RelayService/Send", { method: "DELETE" }, 405, /use POST/],
    ["RelayService/Sent", {}, 501, /no procedure/],
    [
      "RelayService/Sent",
      { type: "application/connect+json" },
      200,
      /^[^{]{5}\{"error":\{"code":"unimplemented"/,
    ],
    ["RelayService/Sent", { type: "application/grpc-web+proto" }, 200, /grpc-status: 12\r\n/],
    ["RelayService/Session", { type: "application/connect+json" }, 200, /WebSocket at \/ws/],
    ["RelayService/Session", { type: "application/grpc-web" }, 200, /grpc-status: 12\r\n/],
    ["RelayService/Send", { type: "application/proto", body: "\u0012\u0005a" }, 400, /premature EOF/],
    [
      "RelayService/Send",
      { type: "application/proto", body: Buffer.from([10, 2, 0xff, 0xfe]) },
      400,
      /MALFORMED/,
    ],
    ["RelayService/Attach", { type: "application/connect+json", body: "{}" }, 200, /incomplete envelope/],
    ["RelayService/Attach", { type: "application/connect+json", body: "" }, 200, /missing input message/],
    [
      "RelayService/Attach",
      { type: "application/connect+json", body: Buffer.concat([enveloped("{}"), enveloped("{}")]) },
      200,
      /extra input message/,
    ],
    [
      "RelayService/Send",
      { type: "application/grpc-web", body: enveloped("\u0012\u0005a") },
      200,
      /grpc-status: 3\r\n/,
    ],
    [
      "RelayService/Send",
      { type: "application/grpc-web", body: enveloped("", 0x80) },
      200,
      /grpc-status: (3|12)\r\n/,
    ],
    ["RelayService/Send", { headers: { "connect-timeout-ms": "soon" } }, 400, /timeout/],
    ["RelayService/Send", { body: "x".repeat(2_000_000) }, 429, /"code":"ERROR_CODE_TOO_LARGE"/],
    ["RelayService/Receive", { headers: { authorization: "Basic eDp5" } }, 401, /"code":"unauthenticated"/],
    [
      "RelayService/Receive",
      { headers: { "connect-timeout-ms": "100" }, body: '{"waitMs":20000}' },
      504,
      /deadline_exceeded/,
    ],
  ])("%s (%#)", async (procedure, raw, status, words) => {
    const answer = await ask(procedure, raw);
    expect(answer.text).toMatch(words);
    expect(answer.status).toBe(status);
    expect(hub.log()).not.toContain("request.failed");
  });
});

test("a large answer is compressed for who takes that", async () => {
  for (let n = 0; n < 40; n++) {
    const description = `agent ${n} of many `.repeat(10);
    await hub.join(`crowd-${n}`, { description });
  }
  const plain = await ask("RegistryService/ListAgents", { headers: { "accept-encoding": "identity" } });
  const packed = await ask("RegistryService/ListAgents", { headers: { "accept-encoding": "gzip" } });
  expect(packed.headers.get("content-encoding")).toBe("gzip");
  expect(plain.headers.get("content-encoding")).toBeNull();
  expect(packed.text).toBe(plain.text);
});

describe("a page in a browser", () => {
  const origin = "https://app.example";

  test("may ask for whatever the protocols need", async () => {
    const wanted = cors.allowedHeaders.join(", ").toLowerCase();
    const response = await fetch(`${hub.http}/meshkore.v1.RelayService/Send`, {
      method: "OPTIONS",
      headers: { origin, "access-control-request-method": "POST", "access-control-request-headers": wanted },
    });
    expect(response.status).toBe(204);
    expect(response.headers.get("access-control-allow-origin")).toBe(origin);
    expect(response.headers.get("access-control-allow-methods")).toContain("POST");
    expect(response.headers.get("access-control-allow-headers")).toBe(wanted);
  });

  test("may read how a call ended", async () => {
    const { headers } = await ask("RelayService/Sent", { headers: { origin } });
    const exposed = (headers.get("access-control-expose-headers") ?? "").split(", ");
    expect(exposed).toEqual(
      expect.arrayContaining([...cors.exposedHeaders.map((name) => name.toLowerCase()), "retry-after"]),
    );
  });

  test("of elsewhere may not", async () => {
    const { headers } = await ask("RelayService/Receive", { headers: { origin: "https://evil.example" } });
    expect(headers.get("access-control-allow-origin")).toBeNull();
  });
});
