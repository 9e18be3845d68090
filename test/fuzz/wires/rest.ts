import fc from "fast-check";
import { sample } from "../generators/bytes.ts";
import { mutatedJson } from "../generators/json.ts";
import type { Input, Operation, Wire } from "../input.ts";

const SEGMENTS = [
  "victim",
  "mallory",
  "nobody",
  "#c",
  "%23c",
  "c",
  "a@b",
  "__proto__",
  "constructor",
  "%00",
  "%ff",
  "%ed%a0%80",
  "x".repeat(300),
  "-",
  "A",
  "0198c6a5-0000-7000-8000-000000000000",
  "@NONCE@",
  "..%2f",
  "%2e%2e",
]; // prettier-ignore
const QUERY_VALUES = [
  "",
  "0",
  "-1",
  "1e9",
  "501",
  "NaN",
  "1-1",
  "99-1",
  "1-99999999999999999999",
  "-",
  "manual",
  "true",
  "%00",
  "%ff",
  "a".repeat(3000),
  "[]",
  "{}",
];
const QUERY_NAMES = [
  "cursor",
  "limit",
  "wait",
  "ack",
  "q",
  "capability",
  "intent",
  "status",
  "before",
  "__proto__",
  "unknown",
];
/** Long waits would only slow this down. */
const MOST_WAIT = /wait=(?!0|1(&|$))/g;

/** REST: well-framed HTTP with bodies and parameters that mean no good. Operations and examples are of the hub's OpenAPI document. */
export const restWire: Wire = {
  name: "rest",
  port: (ports) => ports.http,
  handMade: ({ operations }) =>
    operations.map((operation) => request(operation, operation.path, text(operation.example), "@TOKEN@")),
  generated({ operations }, seed, count) {
    return sample(hostile(operations), seed, count);
  },
};

function hostile(operations: readonly Operation[]): fc.Arbitrary<Input> {
  const withBody = operations.filter(({ example }) => example !== undefined);
  const examples = withBody.map(({ example }) => example);
  const query = fc
    .array(fc.tuple(fc.constantFrom(...QUERY_NAMES), fc.constantFrom(...QUERY_VALUES)), { maxLength: 3 })
    .map((pairs) =>
      (pairs.length === 0 ? "" : `?${pairs.map((pair) => pair.join("=")).join("&")}`).replace(
        MOST_WAIT,
        "wait=0",
      ),
    );
  const target = (operation: Operation): fc.Arbitrary<string> =>
    fc
      .tuple(fc.array(fc.constantFrom(...SEGMENTS), { minLength: 3, maxLength: 3 }), query)
      .map(([segments, asked]) => fillPath(operation.path, segments) + asked);
  const credential = fc.constantFrom("@TOKEN@", "@TOKEN@", "@TOKEN@", "@KEY@", "", "wrong");
  const own = fc.constantFrom(...withBody).chain((operation) =>
    fc.record({
      operation: fc.constant(operation),
      target: target(operation),
      body: mutatedJson([operation.example]),
      credential,
    }),
  );
  const foreign = fc.constantFrom(...operations).chain((operation) =>
    fc.record({
      operation: fc.constant(operation),
      target: target(operation),
      body: fc.oneof(fc.constant(""), mutatedJson(examples)),
      credential,
    }),
  );
  return fc
    .oneof({ weight: 3, arbitrary: own }, { weight: 1, arbitrary: foreign })
    .map((made) => request(made.operation, made.target, made.body, made.credential));
}

function request({ method, path }: Operation, target: string, body: string, credential: string): Input {
  const bytes = Buffer.from(body, "utf8");
  // What ends agents and keys for good would end the test.
  const isHarmless = !(path === "/keys/rotate" || (method === "DELETE" && path.startsWith("/agents")));
  const auth = credential === "" || !isHarmless ? "" : `Authorization: Bearer ${credential}\r\n`;
  const length =
    method === "GET" && bytes.length === 0
      ? ""
      : `Content-Length: ${bytes.length}\r\nContent-Type: application/json\r\n`;
  const head = `${method} ${fillPath(target, SEGMENTS)} HTTP/1.1\r\nHost: hub\r\n${auth}${length}\r\n`;
  return {
    label: `${method} ${path}`,
    segments: [Buffer.concat([Buffer.from(head, "latin1"), method === "GET" ? Buffer.alloc(0) : bytes])],
    // A stream has no end.
    mustAnswer: (method !== "GET" || bytes.length === 0) && path !== "/messages/stream",
  };
}

function fillPath(path: string, segments: readonly string[]): string {
  let at = 0;
  return path.replace(/\{\w+\}/g, () => segments[at++] ?? "x");
}

function text(example: unknown): string {
  return example === undefined ? "" : JSON.stringify(example);
}
