import { gzipSync } from "node:zlib";
import { create, toBinary } from "@bufbuild/protobuf";
import { Code, ConnectError, createClient, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcWebTransport } from "@connectrpc/connect-web";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { ErrorDetailSchema } from "../../../src/gen/meshkore/v1/errors_pb.js";
import { RelayService, SendRequestSchema } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { RPC_CODE_FROM_ERROR_CODE } from "../../../src/listeners/rpc-status.ts";
import { ERROR_CODES, MeshError } from "../../../src/model/errors.ts";
import { createConnectFixture, MAX_MESSAGE_BYTES } from "./connect-fixture.ts";

const baseUrl = "http://hub.test";
const TRANSPORTS: readonly (readonly [name: string, open: (fetch: typeof globalThis.fetch) => Transport])[] =
  [
    ["Connect, JSON", (fetch) => createConnectTransport({ baseUrl, fetch })],
    ["Connect, binary", (fetch) => createConnectTransport({ baseUrl, fetch, useBinaryFormat: true })],
    ["gRPC-Web", (fetch) => createGrpcWebTransport({ baseUrl, fetch })],
  ];

async function refusal(work: () => Promise<unknown>): Promise<ConnectError> {
  return work().then(
    () => expect.fail("it was not refused"),
    (thrown: unknown) => ConnectError.from(thrown),
  );
}

async function drainOf(answers: AsyncIterable<unknown>): Promise<number> {
  let count = 0;
  for await (const _answer of answers) count++;
  return count;
}

describe.each(TRANSPORTS)("errors over %s", (_name, open) => {
  test.each(ERROR_CODES)("%s has its code, its hint, and says when to try again", async (code) => {
    const thrown = new MeshError(code, "naïve — no", { hint: "try this", retryAfterS: 7 });
    const fails = async () => {
      throw thrown;
    };
    // biome-ignore lint/correctness/useYield: one that fails before its first answer.
    async function* failsToo(): AsyncGenerator<never> {
      throw thrown;
    }
    const { fetch, faults } = createConnectFixture({ send: fails, attach: failsToo });
    const client = createClient(RelayService, open(fetch));
    for (const error of [
      await refusal(() => client.send({})),
      await refusal(() => drainOf(client.attach({}))),
    ]) {
      expect(error.code).toBe(RPC_CODE_FROM_ERROR_CODE[code]);
      expect(error.rawMessage).toBe("naïve — no");
      const detail = {
        code: ERROR_CODES.indexOf(code) + 1,
        message: "naïve — no",
        hint: "try this",
        retryAfterS: 7,
      };
      expect(error.findDetails(ErrorDetailSchema)).toMatchObject([detail]);
      expect(error.metadata.get("retry-after")).toBe("7");
    }
    expect(faults).toHaveLength(code === "internal" ? 2 : 0);
  });

  test("what is no error of the hub's is told to the operator alone", async () => {
    const fails = () => Promise.reject(new Error("the password is swordfish"));
    const { fetch, faults } = createConnectFixture({ send: fails });
    const error = await refusal(() => createClient(RelayService, open(fetch)).send({}));
    expect(error.code).toBe(Code.Internal);
    expect(JSON.stringify([error.message, error.details, [...error.metadata]])).not.toContain("swordfish");
    expect(String(faults[0]?.cause)).toContain("swordfish");
  });

  test("the end of a deadline reaches the handler, and the client", async () => {
    const aborted = Promise.withResolvers<void>();
    const waits = ({ signal }: { signal: AbortSignal }) =>
      new Promise<void>((resolve) => {
        signal.addEventListener("abort", () => {
          aborted.resolve();
          resolve();
        });
      });
    const { fetch } = createConnectFixture({ send: waits });
    const client = createClient(RelayService, open(fetch));
    const error = await refusal(() => client.send({}, { timeoutMs: 50 }));
    expect(error.code).toBe(Code.DeadlineExceeded);
    await aborted.promise;
  });
});

const JSON_TYPE = { "content-type": "application/json" };

function textOf(body: unknown): string {
  return body instanceof Uint8Array ? Buffer.from(body).toString() : String(body);
}

describe("a request that is compressed", () => {
  const { answer } = createConnectFixture({});
  const send = (bytes: Uint8Array, encoding = "gzip") =>
    answer({ headers: new Map(Object.entries({ ...JSON_TYPE, "content-encoding": encoding })), bytes });

  test("is read", async () => {
    const { status, body } = await send(gzipSync('{"to":"bob"}'));
    expect(textOf(body)).toBe('{"messageId":"id"}');
    expect(status).toBe(200);
  });

  test("and unpacks to too much is given up", async () => {
    const bomb = gzipSync(Buffer.alloc(5_000_000, " "));
    const { status, body } = await send(bomb);
    expect([status, JSON.parse(textOf(body)).code]).toEqual([429, "resource_exhausted"]);
    // Said while unpacking, not after: what it would have come to was never there.
    expect(JSON.parse(textOf(body)).message).toBe(
      `the message unpacks to more than ${MAX_MESSAGE_BYTES} bytes`,
    );
  });

  test("but is none is the client's fault", async () => {
    const { status, body } = await send(Buffer.from("not gzip"));
    expect([status, JSON.parse(textOf(body)).code]).toEqual([400, "invalid_argument"]);
  });

  test("in a way that the hub does not know is refused with those that it knows", async () => {
    const { status, body } = await send(gzipSync("{}"), "zstd");
    expect([status, JSON.parse(textOf(body)).code]).toEqual([501, "unimplemented"]);
    expect(JSON.parse(textOf(body)).message).toContain("gzip");
  });
});

describe("whatever bytes come", () => {
  const types = [
    "application/json",
    "application/proto",
    "application/connect+json",
    "application/connect+proto",
    "application/grpc-web+proto",
    "application/grpc-web+json",
    "application/grpc-web-text",
    "application/grpc",
    "text/plain",
    "",
  ];
  const procedures = ["Send", "Attach", "Session", "Nothing", "send", "Send/", ""];
  const message = toBinary(
    SendRequestSchema,
    create(SendRequestSchema, { to: "bob", payload: Buffer.from("x") }),
  );
  const envelope = Buffer.concat([Buffer.from([0, 0, 0, 0, message.length]), message]);

  test("the answer is one of the protocol's, and no fault of the hub's", async () => {
    const { answer, faults } = createConnectFixture({});
    const headerValue = fc.string({ unit: "binary", maxLength: 20 });
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      fc.json().map((text) => Buffer.from(text)),
      fc.tuple(fc.nat(envelope.length), fc.nat(255)).map(([at, byte]) => {
        const changed = Buffer.from(envelope);
        changed[at] = byte;
        return changed.subarray(0, Math.max(at, byte % envelope.length));
      }),
      fc.constant(Buffer.alloc(MAX_MESSAGE_BYTES + 1)),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.record({
          type: fc.constantFrom(...types),
          procedure: fc.constantFrom(...procedures),
          body,
          timeout: fc.oneof(fc.constant("1000"), headerValue),
          encoding: fc.oneof(fc.constantFrom("gzip", "identity"), headerValue),
        }),
        async ({ type, procedure, body: bytes, timeout, encoding }) => {
          const headers = new Map([
            ["content-type", type],
            ["connect-timeout-ms", timeout],
            ["grpc-timeout", timeout],
            ["content-encoding", encoding],
            ["grpc-encoding", encoding],
            ["x-other", "\u0000\u4e00"],
          ]);
          const response = await answer({ path: `/meshkore.v1.RelayService/${procedure}`, headers, bytes });
          expect([200, 400, 415, 429, 501]).toContain(response.status);
          for (const [name, value] of Object.entries(response.headers)) {
            expect(name).toBe(name.toLowerCase());
            expect(value).toMatch(/^[\x20-\x7e]*$/);
          }
          if (response.status >= 400) expect(JSON.parse(textOf(response.body))).toHaveProperty("code");
        },
      ),
      { numRuns: 500 },
    );
    expect(faults).toEqual([]);
  }, 30_000);
});
