import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { mutated, sample } from "../generators/bytes.ts";
import { mutatedJson } from "../generators/json.ts";
import { PROCEDURES, type Procedure } from "../generators/rpc-messages.ts";
import type { Input, Wire } from "../input.ts";

const UNARY = ["application/json", "application/proto"];
const ENVELOPED = [
  "application/connect+json",
  "application/connect+proto",
  "application/grpc-web+proto",
  "application/grpc-web",
  "application/grpc-web+json",
];
const OTHER = [
  "",
  "text/plain",
  "application/grpc",
  "application/grpc-web-text",
  "application/json; charset=utf-16",
  "application/x",
  "a/b/c",
  "\0",
];
const HEADERS = [
  "",
  "",
  "Connect-Protocol-Version: 1",
  "Connect-Protocol-Version: 2",
  "Connect-Timeout-Ms: 0",
  "Connect-Timeout-Ms: -1",
  "Connect-Timeout-Ms: 99999999999",
  "Connect-Timeout-Ms: x",
  "Grpc-Timeout: 1n",
  "Grpc-Timeout: 99999999H",
  "Grpc-Timeout: x",
  "Content-Encoding: gzip",
  "Content-Encoding: br",
  "Content-Encoding: \0",
  "Connect-Content-Encoding: gzip",
  "Grpc-Encoding: gzip",
  "Grpc-Encoding: identity",
  "Accept-Encoding: gzip",
  "Connect-Accept-Encoding: gzip, br",
  "TE: trailers",
  "X-User-Agent: x",
]; // prettier-ignore
const COMPRESSED = 1;
/** Unpacks to this many zeros: about a thousand times what is sent. */
const BOMB_BYTES = 150_000_000;

/** Connect and gRPC-Web over HTTP/1.1. */
export const connectWire: Wire = {
  name: "connect",
  port: (ports) => ports.http,
  handMade: () => [...sound(), ...envelopes(), ...bombs()],
  generated(_context, seed, count) {
    return sample(fc.oneof(unary(), streaming(), strange()), seed, count);
  },
};

interface Call {
  readonly path: string;
  readonly type: string;
  readonly header: string;
  readonly body: Uint8Array;
  readonly label: string;
}

function call({ path, type, header, body, label }: Call): Input {
  const lines = [
    `POST ${path} HTTP/1.1`,
    "Host: hub",
    "Authorization: Bearer @TOKEN@",
    `Content-Type: ${type}`,
    `Content-Length: ${body.length}`,
    header,
  ];
  const head = `${lines.filter((line) => line !== "").join("\r\n")}\r\n\r\n`;
  return {
    label: `${label}, ${type || "no type"}, ${path}`,
    segments: [Buffer.concat([Buffer.from(head, "latin1"), body])],
    // A stream has no end.
    mustAnswer: !path.endsWith("/Attach"),
  };
}

export function envelope(flags: number, body: Uint8Array, claimed = body.length): Buffer {
  const head = Buffer.alloc(5);
  head[0] = flags;
  head.writeUInt32BE(claimed >>> 0, 1);
  return Buffer.concat([head, body]);
}

function bodyOf(procedure: Procedure, type: string): Buffer {
  return type.includes("json") ? Buffer.from(JSON.stringify(procedure.json)) : Buffer.from(procedure.bytes);
}

function sound(): readonly Input[] {
  return PROCEDURES.flatMap((procedure) => [
    ...UNARY.map((type) =>
      call({ path: procedure.path, type, header: "", body: bodyOf(procedure, type), label: "sound" }),
    ),
    ...ENVELOPED.map((type) =>
      call({
        path: procedure.path,
        type,
        header: "",
        body: envelope(0, bodyOf(procedure, type)),
        label: "sound",
      }),
    ),
  ]);
}

function envelopes(): readonly Input[] {
  const [first] = PROCEDURES.filter(({ path }) => path.endsWith("/Send"));
  if (first === undefined) return [];
  const { bytes, path } = first;
  const gzipped = gzipSync(bytes);
  const bodies: readonly (readonly [string, Buffer])[] = [
    ...[1, 2, 3, 4, 0x40, 0x80, 0x81, 0xff].map(
      (flags) => [`flags ${flags}`, envelope(flags, bytes)] as const,
    ),
    ...[0, 1, bytes.length - 1, bytes.length + 1, 0x7fffffff, 0xffffffff].map(
      (length) => [`length ${length}`, envelope(0, bytes, length)] as const,
    ),
    ["nothing", Buffer.alloc(0)],
    ["half a prefix", Buffer.from([0, 0, 0])],
    ["two messages", Buffer.concat([envelope(0, bytes), envelope(0, bytes)])],
    [
      "a thousand empty messages",
      Buffer.concat(Array.from({ length: 1000 }, () => envelope(0, Buffer.alloc(0)))),
    ],
    [
      "trailers from a client",
      Buffer.concat([envelope(0, bytes), envelope(0x80, Buffer.from("grpc-status: 0\r\n"))]),
    ],
    ["an end of stream from a client", Buffer.concat([envelope(0, bytes), envelope(2, Buffer.from("{}"))])],
    ["gzip without saying so", envelope(COMPRESSED, gzipped)],
    ["gzip that breaks off", envelope(COMPRESSED, gzipped.subarray(0, 12))],
    ["gzip of two members", envelope(COMPRESSED, Buffer.concat([gzipped, gzipped]))],
  ];
  return ENVELOPED.flatMap((type) =>
    ["", "Grpc-Encoding: gzip", "Connect-Content-Encoding: gzip"].flatMap((header) =>
      bodies.map(([label, body]) => call({ path, type, header, body, label })),
    ),
  );
}

let packed: Buffer | undefined;

/** Compressed bombs, once as a whole body and once in an envelope. */
function bombs(): readonly Input[] {
  packed ??= gzipSync(Buffer.alloc(BOMB_BYTES));
  const bomb = packed;
  const twice = gzipSync(bomb);
  const paths = PROCEDURES.filter(({ path }) => /\/(Send|Join|Attach)$/.test(path)).map(({ path }) => path);
  return paths.flatMap((path) => [
    ...UNARY.map((type) =>
      call({ path, type, header: "Content-Encoding: gzip", body: bomb, label: "a bomb" }),
    ),
    ...ENVELOPED.flatMap((type) =>
      ["Grpc-Encoding: gzip", "Connect-Content-Encoding: gzip"].map((header) =>
        call({ path, type, header, body: envelope(COMPRESSED, bomb), label: "a bomb" }),
      ),
    ),
    call({
      path,
      type: "application/proto",
      header: "Content-Encoding: gzip, gzip",
      body: twice,
      label: "a bomb in a bomb",
    }),
  ]);
}

const procedures = fc.constantFrom(...PROCEDURES);
const headers = fc.constantFrom(...HEADERS);

function unary(): fc.Arbitrary<Input> {
  return procedures.chain(({ path, json, bytes }) =>
    fc
      .tuple(
        fc.boolean(),
        mutatedJson([json]),
        mutated([bytes.length === 0 ? Buffer.from([8, 1]) : bytes]),
        headers,
      )
      .map(([isJson, text, binary, header]) =>
        call({
          path,
          type: isJson ? "application/json" : "application/proto",
          header,
          body: isJson ? Buffer.from(text) : binary,
          label: "a unary call with changes",
        }),
      ),
  );
}

function streaming(): fc.Arbitrary<Input> {
  return fc
    .tuple(procedures, fc.constantFrom(...ENVELOPED), headers)
    .chain(([procedure, type, header]) =>
      mutated([
        envelope(0, bodyOf(procedure, type)),
        Buffer.concat([envelope(0, bodyOf(procedure, type)), envelope(2, Buffer.from("{}"))]),
      ]).map((body) => call({ path: procedure.path, type, header, body, label: "envelopes with changes" })),
    );
}

function strange(): fc.Arbitrary<Input> {
  const paths = fc.oneof(
    procedures.map(({ path }) => path),
    fc.constantFrom(
      "/meshkore.v1.RelayService",
      "/meshkore.v1.RelayService/",
      "/meshkore.v1.RelayService/Nope",
      "/meshkore.v1.Nope/Send",
      "/meshkore.v1.RelayService/__proto__",
      "/meshkore.v1./",
      "/meshkore.v1.RelayService/Send/x",
    ),
  );
  return fc
    .tuple(
      paths,
      fc.constantFrom(...UNARY, ...ENVELOPED, ...OTHER),
      headers,
      fc.uint8Array({ maxLength: 100 }),
    )
    .map(([path, type, header, body]) => call({ path, type, header, body, label: "bytes" }));
}
