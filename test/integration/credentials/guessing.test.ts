import { create } from "@bufbuild/protobuf";
import { ConnectError, createClient, type Interceptor } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ErrorDetailSchema } from "../../../src/gen/meshkore/v1/errors_pb.js";
import { RegistryService } from "../../../src/gen/meshkore/v1/registry_pb.js";
import { ADMIN_TOKEN, startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { JsonSession } from "../session/raw-session.ts";

const PER_MINUTE = 5;
/** Fewer than what makes the hub refuse unchecked what it does not know to be right. */
const GUESSES = 40;

let hub: TestHub;
let known: TestAgent;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_ATTEMPTS_PER_MINUTE: String(PER_MINUTE) } });
  known = await hub.join("known");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

/** The code of the refusal, and in how many seconds another try makes sense. */
interface Refusal {
  readonly code: string;
  readonly retryAfterS: number | undefined;
}

const guess = (n: number): string => `mk_${String(n).padStart(43, "0")}`;

async function overRest(method: string, path: string, options: object): Promise<Refusal> {
  const answer = await hub.call(method, path, { headers: { accept: "application/json" }, ...options });
  const { code } = answer.refusal();
  const header = answer.headers.get("retry-after");
  expect(answer.refusal().retry_after_s).toBe(header === null ? undefined : Number(header));
  return { code, retryAfterS: header === null ? undefined : Number(header) };
}

async function overSession(n: number): Promise<Refusal> {
  const session = await JsonSession.connect(hub.http);
  session.say({ hello: { token: guess(n) } });
  const { code } = await session.ended;
  const [error] = session.errors;
  expect(code).toBe(error?.code === "rate_limited" ? 4429 : 4401);
  return { code: error?.code ?? "", retryAfterS: error?.retry_after_s };
}

const overRpc = (transport: (interceptors: Interceptor[]) => Parameters<typeof createClient>[1]) => {
  return async (n: number): Promise<Refusal> => {
    const bearing: Interceptor = (next) => (request) => {
      request.header.set("authorization", `Bearer ${guess(n)}`);
      return next(request);
    };
    const refused = await createClient(RegistryService, transport([bearing]))
      .getStats({})
      .then(
        () => create(ErrorDetailSchema),
        (thrown: unknown) => ConnectError.from(thrown).findDetails(ErrorDetailSchema)[0],
      );
    const code = { 3: "unauthenticated", 9: "rate_limited" }[Number(refused?.code)];
    return { code: code ?? String(refused?.code), retryAfterS: refused?.retryAfterS || undefined };
  };
};

const WAYS: readonly (readonly [way: string, guessOnce: (n: number) => Promise<Refusal>, refusal: string])[] =
  [
    ["an API key as bearer", (n) => overRest("GET", "/stats", { token: guess(n) }), "unauthenticated"],
    [
      "a token",
      (n) => overRest("GET", "/stats", { token: `${known.token.slice(0, -9)}${n}AAAAAAA` }),
      "unauthenticated",
    ],
    [
      "POST /register",
      (n) => overRest("POST", "/register", { body: { agent_id: "known", api_key: guess(n) } }),
      "unauthenticated",
    ],
    ["a nonce to look at", (n) => overRest("GET", `/join/${String(n).padStart(22, "0")}`, {}), "not_found"],
    [
      "a nonce to join by",
      (n) => overRest("POST", `/join/${String(n).padStart(22, "0")}`, { body: { agent_id: "thief" } }),
      "not_found",
    ],
    ["a session's hello", overSession, "unauthenticated"],
    [
      "Connect",
      overRpc((interceptors) =>
        createConnectTransport({ baseUrl: hub.http, httpVersion: "1.1", interceptors }),
      ),
      "unauthenticated",
    ],
    [
      "gRPC",
      overRpc((interceptors) => createGrpcTransport({ baseUrl: `http://${hub.grpc}`, interceptors })),
      "unauthenticated",
    ],
  ];

describe("guessing from one address", () => {
  test.each(WAYS)(
    "by %s is limited, told when to come again, and locks nobody out",
    async (_way, guessOnce, refusal) => {
      const nonce = await hub.invite();
      const refusals: Refusal[] = [];
      for (let n = 0; n < GUESSES / WAYS.length + PER_MINUTE; n++) refusals.push(await guessOnce(n));
      const codes = new Set(refusals.map(({ code }) => code));
      for (const code of codes) expect([refusal, "rate_limited"]).toContain(code);
      const last = refusals.at(-1);
      expect(last?.code).toBe("rate_limited");
      expect(last?.retryAfterS).toBeGreaterThan(0);
      expect(last?.retryAfterS).toBeLessThanOrEqual(60 / PER_MINUTE);

      for (const token of [known.token, known.apiKey, ADMIN_TOKEN]) {
        expect((await hub.call("GET", "/stats", { token })).status).toBe(200);
      }
      const session = await JsonSession.open(hub.http, known.token);
      session.close();
      // What the hub never saw before comes in too, when it is right.
      const body = {
        agent_id: `new-${refusals.length}-${nonce
          .slice(0, 8)
          .toLowerCase()
          .replace(/[^a-z0-9]/g, "x")}`,
      };
      const joined = await hub.call("POST", `/join/${nonce}`, { body });
      expect(joined.status, joined.text).toBe(201);
      const fresh = { agent_id: body.agent_id, api_key: String(joined.field("api_key")) };
      expect((await hub.call("POST", "/register", { body: fresh })).status).toBe(200);
    },
  );
});
