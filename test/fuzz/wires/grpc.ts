import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { inPieces, mutated, sample, splitEverywhere, truncatedEverywhere } from "../generators/bytes.ts";
import {
  FLAGS,
  type Header,
  h2Frame,
  hpack,
  OPENING,
  PING,
  PING_ACK,
  PREFACE,
  SETTINGS_ACK,
  settings,
  TYPES,
  windowUpdate,
} from "../generators/h2-frame.ts";
import { PROCEDURES } from "../generators/rpc-messages.ts";
import type { Input, Wire } from "../input.ts";
import { envelope } from "./connect.ts";

const RELAY = "/meshkore.v1.RelayService";
const BOMB_BYTES = 150_000_000;
const IN_CONNECTION = { opening: OPENING, openingEnd: SETTINGS_ACK, end: PING_ACK };

/** gRPC on its own port: HTTP/2 frames by hand, and messages of gRPC in them. */
export const grpcWire: Wire = {
  name: "grpc",
  port: (ports) => ports.grpc,
  handMade: () => [
    ...openings(),
    ...frames().map(inConnection),
    ...messages().map(inConnection),
    ...floods().map(inConnection),
    ...everywhere(),
  ],
  generated(_context, seed, count) {
    const corpus = PROCEDURES.map(({ path, bytes }) => request(1, path, envelope(0, bytes)));
    const frameNoise = fc
      .record({
        type: fc.nat({ max: 12 }),
        flags: fc.nat({ max: 255 }),
        stream: fc.constantFrom(0, 1, 2, 3, 0x7fffffff, 0x80000001),
        payload: fc.uint8Array({ maxLength: 60 }),
      })
      .map((frame) => h2Frame(frame));
    const bytes = fc.oneof(
      { weight: 4, arbitrary: mutated(corpus) },
      {
        weight: 1,
        arbitrary: fc
          .array(frameNoise, { minLength: 1, maxLength: 6 })
          .map((parts) => Buffer.concat([...parts])),
      },
      { weight: 2, arbitrary: mutatedMessage() },
    );
    const inside = inPieces(bytes.map((part) => Buffer.concat([part, PING]))).map(
      (segments): Input => ({ label: "frames with changes", segments, ...IN_CONNECTION }),
    );
    const outside = inPieces(mutated([Buffer.concat([OPENING, corpus[0] ?? PING])])).map(
      (segments): Input => ({ label: "a connection with changes", segments }),
    );
    return sample(fc.oneof({ weight: 6, arbitrary: inside }, { weight: 1, arbitrary: outside }), seed, count);
  },
};

type Named = readonly [label: string, bytes: Uint8Array];

function inConnection([label, bytes]: Named): Input {
  return { label, segments: [bytes, PING], ...IN_CONNECTION };
}

function callHeaders(path: string, more: readonly Header[] = []): Header[] {
  return [
    [":method", "POST"],
    [":scheme", "http"],
    [":path", path],
    [":authority", "hub"],
    ["te", "trailers"],
    ["content-type", "application/grpc"],
    ["authorization", "Bearer x"],
    ...more,
  ];
}

function headersFrame(stream: number, headers: readonly Header[], flags: number = FLAGS.endHeaders): Buffer {
  return h2Frame({ type: TYPES.headers, flags, stream, payload: hpack(headers) });
}

function request(stream: number, path: string, body: Uint8Array, more: readonly Header[] = []): Buffer {
  const parts = [headersFrame(stream, callHeaders(path, more))];
  for (let at = 0; at < body.length || at === 0; at += 16_384) {
    const payload = body.subarray(at, at + 16_384);
    parts.push(
      h2Frame({ type: TYPES.data, flags: at + 16_384 >= body.length ? FLAGS.end : 0, stream, payload }),
    );
  }
  return Buffer.concat(parts);
}

function mutatedMessage(): fc.Arbitrary<Buffer> {
  return fc
    .constantFrom(...PROCEDURES)
    .chain(({ path, bytes }) => mutated([envelope(0, bytes)]).map((body) => request(1, path, body)));
}

function openings(): readonly Input[] {
  const raw: readonly Named[] = [
    ["HTTP/1.1", Buffer.from("GET / HTTP/1.1\r\nHost: hub\r\n\r\n")],
    [
      "an upgrade to h2c",
      Buffer.from(
        "GET / HTTP/1.1\r\nHost: hub\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
      ),
    ],
    ["half a preface", PREFACE.subarray(0, 12)],
    ["a preface with a wrong byte", Buffer.from(PREFACE.toString().replace("SM", "SX"))],
    ["a preface and then no settings", Buffer.concat([PREFACE, PING])],
    ["two prefaces", Buffer.concat([PREFACE, PREFACE])],
    ["frames without a preface", PING],
    ["a TLS hello", Buffer.from(`\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03${"a".repeat(500)}`, "latin1")],
    ["noise", Buffer.from("\xff".repeat(3000), "latin1")],
  ];
  return raw.map(([label, bytes]) => ({ label, segments: [bytes] }));
}

function frames(): readonly Named[] {
  const open = headersFrame(1, callHeaders(`${RELAY}/Session`));
  const many = Array.from({ length: 200 }, (_, at): [number, number] => [at + 1, 1]);
  return [
    ...Object.values(TYPES).flatMap((type): Named[] => [
      [`type ${type}, empty, stream 0`, h2Frame({ type })],
      [`type ${type}, empty, stream 1`, h2Frame({ type, stream: 1 })],
      [`type ${type}, 3 bytes`, h2Frame({ type, stream: 1, payload: Buffer.alloc(3) })],
      [`type ${type}, all flags`, h2Frame({ type, flags: 255, stream: 1, payload: Buffer.alloc(20) })],
      [`type ${type}, even stream`, h2Frame({ type, stream: 2, payload: Buffer.alloc(5) })],
      [
        `type ${type}, 16 MiB claimed`,
        h2Frame({ type, stream: 1, claimedLength: 0xffffff, payload: Buffer.alloc(100) }),
      ],
    ]),
    ["an unknown type", h2Frame({ type: 0xbe, payload: Buffer.alloc(100) })],
    ["DATA without HEADERS", h2Frame({ type: TYPES.data, stream: 1, payload: Buffer.alloc(10) })],
    [
      "DATA after the end",
      Buffer.concat([
        request(1, `${RELAY}/Send`, Buffer.alloc(5)),
        h2Frame({ type: TYPES.data, stream: 1, payload: Buffer.alloc(10) }),
      ]),
    ],
    ["HEADERS twice", Buffer.concat([open, open])],
    [
      "a stream number that goes back",
      Buffer.concat([
        headersFrame(5, callHeaders(`${RELAY}/Send`)),
        headersFrame(3, callHeaders(`${RELAY}/Send`)),
      ]),
    ],
    [
      "padding longer than the frame",
      h2Frame({ type: TYPES.data, flags: FLAGS.padded, stream: 1, payload: Buffer.from([200, 0, 0]) }),
    ],
    [
      "a stream that depends on itself",
      h2Frame({ type: TYPES.priority, stream: 1, payload: Buffer.from([0, 0, 0, 1, 16]) }),
    ],
    [
      "a window of 0",
      Buffer.concat([settings([[4, 0]]), request(1, `${RELAY}/Send`, envelope(0, Buffer.alloc(0)))]),
    ],
    ["a window over 2^31", settings([[4, 0x80000000]])],
    ["a frame size of 0", settings([[5, 0]])],
    ["a header table of 4 GiB", settings([[1, 0xffffffff]])],
    ["two hundred unknown settings", settings(many)],
    ["a window update of 0", windowUpdate(0, 0)],
    ["a window that overflows", Buffer.concat([windowUpdate(0, 0x7fffffff), windowUpdate(0, 0x7fffffff)])],
    ["a reset of nothing", h2Frame({ type: TYPES.reset, stream: 99, payload: Buffer.alloc(4) })],
    ["a goaway", h2Frame({ type: TYPES.goaway, payload: Buffer.alloc(8) })],
    ...headerBlocks(),
  ];
}

function headerBlocks(): readonly Named[] {
  const send = `${RELAY}/Send`;
  const block = (payload: Uint8Array): Buffer =>
    h2Frame({ type: TYPES.headers, flags: FLAGS.endHeaders | FLAGS.end, stream: 1, payload });
  const indexed = Buffer.concat([Buffer.from([0x40]), hpack([["x", "y".repeat(4000)]]).subarray(1)]);
  return [
    ["no headers at all", block(Buffer.alloc(0))],
    ["an index of 0", block(Buffer.from([0x80]))],
    ["an index that is not there", block(Buffer.from([0xff, 0xff, 0xff, 0xff, 0x0f]))],
    ["an integer without end", block(Buffer.from([0x7f, ...Array.from({ length: 50 }, () => 0xff)]))],
    ["Huffman code that is none", block(Buffer.from([0x00, 0x81, 0xff, 0x84, 0xff, 0xff, 0xff, 0xff]))],
    ["a header bomb", block(Buffer.concat([indexed, Buffer.alloc(12_000, 0xbe)]))],
    ["a table resized again and again", block(Buffer.alloc(1000, 0x20))],
    [
      "no path",
      headersFrame(
        1,
        callHeaders(send).filter(([name]) => name !== ":path"),
        FLAGS.endHeaders | FLAGS.end,
      ),
    ],
    ["two paths", headersFrame(1, [...callHeaders(send), [":path", "/x"]])],
    ["a pseudo header at the end", headersFrame(1, [["x", "y"], ...callHeaders(send)])],
    ["an unknown pseudo header", headersFrame(1, [[":x", "y"], ...callHeaders(send)])],
    ["an upper-case name", headersFrame(1, callHeaders(send, [["X-Y", "z"]]))],
    [
      "a connection header",
      headersFrame(
        1,
        callHeaders(send, [
          ["connection", "close"],
          ["transfer-encoding", "chunked"],
        ]),
      ),
    ],
    ["a line end in a value", headersFrame(1, callHeaders(send, [["x", "a\r\nb: c"]]))],
    ["a NUL in a name", headersFrame(1, callHeaders(send, [["x\0y", "z"]]))],
    [
      "GET",
      headersFrame(
        1,
        callHeaders(send).map(([name, value]) => [name, name === ":method" ? "GET" : value]),
      ),
    ],
    [
      "60 KB in one header",
      Buffer.concat(splitHeaders(1, hpack(callHeaders(send, [["x", "y".repeat(60_000)]])))),
    ],
    [
      "1 MB in one header",
      Buffer.concat(splitHeaders(1, hpack(callHeaders(send, [["x", "y".repeat(1_000_000)]])))),
    ],
  ];
}

function splitHeaders(stream: number, block: Buffer): readonly Buffer[] {
  const parts: Buffer[] = [];
  for (let at = 0; at < block.length; at += 16_384) {
    const isLast = at + 16_384 >= block.length;
    const type = at === 0 ? TYPES.headers : TYPES.continuation;
    parts.push(
      h2Frame({
        type,
        flags: isLast ? FLAGS.endHeaders : 0,
        stream,
        payload: block.subarray(at, at + 16_384),
      }),
    );
  }
  return parts;
}

function messages(): readonly Named[] {
  const [send] = PROCEDURES.filter(({ path }) => path.endsWith("/Send"));
  const bytes = send?.bytes ?? new Uint8Array();
  const path = `${RELAY}/Send`;
  const bomb = gzipSync(Buffer.alloc(BOMB_BYTES));
  const gzip: Header[] = [["grpc-encoding", "gzip"]];
  const types = ["application/grpc+json", "application/grpc+nope", "application/json", "text/plain", ""];
  return [
    ...PROCEDURES.map((one): Named => [`sound ${one.path}`, request(1, one.path, envelope(0, one.bytes))]),
    ...[1, 2, 0x80, 0xff].map((flags): Named => [`flags ${flags}`, request(1, path, envelope(flags, bytes))]),
    ...[0, 1, bytes.length + 1, 0x7fffffff, 0xffffffff].map(
      (length): Named => [`length ${length}`, request(1, path, envelope(0, bytes, length))],
    ),
    ...types.map(
      (type): Named => [`type ${type}`, request(1, path, envelope(0, bytes), [["content-type", type]])],
    ),
    ...["1n", "0S", "99999999H", "-1S", "x", ""].map(
      (timeout): Named => [
        `timeout ${timeout}`,
        request(1, path, envelope(0, bytes), [["grpc-timeout", timeout]]),
      ],
    ),
    ["an unknown method", request(1, `${RELAY}/Nope`, envelope(0, bytes))],
    ["an unknown service", request(1, "/a.B/C", envelope(0, bytes))],
    ["no message", request(1, path, Buffer.alloc(0))],
    ["two messages for one", request(1, path, Buffer.concat([envelope(0, bytes), envelope(0, bytes)]))],
    ["a bomb", request(1, path, envelope(1, bomb), gzip)],
    ["a bomb in a session", request(1, `${RELAY}/Session`, envelope(1, bomb), gzip)],
    ["gzip that is none", request(1, path, envelope(1, bytes), gzip)],
    ["an encoding that is none", request(1, path, envelope(1, bytes), [["grpc-encoding", "nope"]])],
    ["5 MB for a message", request(1, path, envelope(0, Buffer.alloc(60_000), 5_000_000))],
    ["binary metadata that is no base64", request(1, path, envelope(0, bytes), [["x-bin", "!!!"]])],
  ];
}

function floods(): readonly Named[] {
  const send = `${RELAY}/Session`;
  const repeat = (count: number, part: (at: number) => Uint8Array): Buffer =>
    Buffer.concat(Array.from({ length: count }, (_, at) => part(at)));
  const reset = (stream: number): Buffer =>
    h2Frame({ type: TYPES.reset, stream, payload: Buffer.from([0, 0, 0, 8]) });
  const continuation = h2Frame({
    type: TYPES.continuation,
    stream: 1,
    payload: hpack([["x", "y".repeat(100)]]),
  });
  return [
    [
      "rapid reset, 2,000 streams",
      repeat(2000, (at) => Buffer.concat([headersFrame(2 * at + 1, callHeaders(send)), reset(2 * at + 1)])),
    ],
    ["2,000 streams that say nothing", repeat(2000, (at) => headersFrame(2 * at + 1, callHeaders(send)))],
    [
      "5,000 continuations",
      Buffer.concat([headersFrame(1, callHeaders(send), 0), repeat(5000, () => continuation)]),
    ],
    [
      "continuations of nothing",
      Buffer.concat([
        headersFrame(1, callHeaders(send), 0),
        repeat(5000, () => h2Frame({ type: TYPES.continuation, stream: 1 })),
      ]),
    ],
    ["10,000 pings", repeat(10_000, () => PING)],
    ["10,000 settings", repeat(10_000, () => settings([[3, 100]]))],
    [
      "10,000 empty data frames",
      Buffer.concat([
        headersFrame(1, callHeaders(send)),
        repeat(10_000, () => h2Frame({ type: TYPES.data, stream: 1 })),
      ]),
    ],
    [
      "10,000 priorities",
      repeat(10_000, (at) =>
        h2Frame({ type: TYPES.priority, stream: 2 * at + 1, payload: Buffer.from([0, 0, 0, 0, 1]) }),
      ),
    ],
    ["10,000 window updates", repeat(10_000, () => windowUpdate(0, 1))],
    [
      "1,000 calls without a window",
      Buffer.concat([
        settings([[4, 0]]),
        repeat(1000, (at) => request(2 * at + 1, `${RELAY}/Send`, envelope(0, Buffer.alloc(0)))),
      ]),
    ],
  ];
}

function everywhere(): readonly Input[] {
  const [send] = PROCEDURES.filter(({ path }) => path.endsWith("/Send"));
  const whole = request(1, `${RELAY}/Send`, envelope(0, send?.bytes ?? new Uint8Array()));
  const cut = truncatedEverywhere(whole).map((part, at) =>
    inConnection([`a call cut off after byte ${at + 1}`, part]),
  );
  const split = splitEverywhere(whole).map(([one = PING, other = PING], at) => ({
    label: `a call in two pieces, cut after byte ${at + 1}`,
    segments: [one, other, PING],
    ...IN_CONNECTION,
    mustAnswer: true,
  }));
  return [...cut, ...split];
}
