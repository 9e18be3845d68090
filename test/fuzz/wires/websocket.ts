import fc from "fast-check";
import { inPieces, mutated, sample, splitEverywhere } from "../generators/bytes.ts";
import { BINARY, PING, PONG, pingFrame, TEXT, upgradeRequest, wsFrame } from "../generators/ws-frame.ts";
import type { Input, Wire } from "../input.ts";

const JSON_WIRE = "meshkore.v1.json";
const HELLO = Buffer.from('{"hello":{"token":"@TOKEN@"}}');
const PING_TEXT = Buffer.from('{"ping":7}');
const OPENING = { opening: upgradeRequest(JSON_WIRE, "@TOKEN@"), openingEnd: "\r\n\r\n" };
const FRAMES = [
  wsFrame({ first: TEXT, payload: PING_TEXT }),
  wsFrame({
    first: TEXT,
    payload: Buffer.from('{"send":[{"ref":1,"to":"victim","payload":1,"receipts":false}]}'),
  }),
  wsFrame({ first: BINARY, payload: PING_TEXT }),
  wsFrame({ first: PING, payload: Buffer.from("x") }),
  Buffer.concat([
    wsFrame({ first: 0x01, payload: PING_TEXT.subarray(0, 4) }),
    wsFrame({ first: 0x80, payload: PING_TEXT.subarray(4) }),
  ]),
  wsFrame({ first: 0x88, payload: Buffer.from([3, 232]) }),
];

/** WebSocket framing, below the session: the handshake and the frames of RFC 6455. */
export const webSocketWire: Wire = {
  name: "websocket",
  port: (ports) => ports.http,
  handMade: () => [...handshakes(), ...violations().map(afterUpgrade), ...splits()],
  generated(_context, seed, count) {
    const upgrade = upgradeRequest(JSON_WIRE, undefined);
    const frames = fc.array(fc.oneof(fc.constantFrom(...FRAMES), mutated(FRAMES)), {
      minLength: 1,
      maxLength: 4,
    });
    const inSession = inPieces(frames.map((parts) => Buffer.concat([...parts, pingFrame()]))).map(
      (segments): Input => ({ label: "frames with changes", segments, ...OPENING, end: PONG }),
    );
    const inHandshake = inPieces(mutated([upgrade])).map(
      (segments): Input => ({ label: "a handshake with changes", segments }),
    );
    const both = fc.oneof({ weight: 4, arbitrary: inSession }, { weight: 1, arbitrary: inHandshake });
    return sample(both, seed, count);
  },
};

type Named = readonly [label: string, bytes: Uint8Array];

function afterUpgrade([label, bytes]: Named): Input {
  return { label, segments: [bytes, pingFrame()], ...OPENING, end: PONG };
}

function handshakes(): readonly Input[] {
  const good = upgradeRequest(JSON_WIRE, undefined).toString("latin1");
  const changes: readonly [string, string | RegExp, string][] = [
    ["version 8", "Version: 13", "Version: 8"],
    ["version 13, 8", "Version: 13", "Version: 13, 8"],
    ["no key", /Sec-WebSocket-Key:.*\r\n/, ""],
    ["a key that is too short", "AAAAAAAAAAAAAAAAAAAAAA==", "AA=="],
    [
      "a key that is no base64",
      "AAAAAAAAAAAAAAAAAAAAAA==",
      "\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff",
    ],
    ["a key of 5 KB", "AAAAAAAAAAAAAAAAAAAAAA==", "A".repeat(5000)],
    ["two keys", "\r\n\r\n", "\r\nSec-WebSocket-Key: BBBBBBBBBBBBBBBBBBBBBB==\r\n\r\n"],
    ["no connection header", /Connection:.*\r\n/, ""],
    ["no upgrade header", /Upgrade:.*\r\n/, ""],
    ["an upgrade to something else", "Upgrade: websocket", "Upgrade: h2c"],
    ["POST", "GET", "POST"],
    ["HTTP/1.0", "HTTP/1.1", "HTTP/1.0"],
    ["an unknown subprotocol", JSON_WIRE, "chat"],
    ["a thousand subprotocols", JSON_WIRE, Array.from({ length: 1000 }, (_, at) => `p${at}`).join(",")],
    ["subprotocols with line ends", JSON_WIRE, `${JSON_WIRE}\r\n x`],
    ["a token that is none, in the subprotocols", JSON_WIRE, `${JSON_WIRE}, meshkore.bearer.xx\0yy`],
    ["a body", "\r\n\r\n", "\r\nContent-Length: 5\r\n\r\nhello"],
    [
      "compression",
      "\r\n\r\n",
      "\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=99\r\n\r\n",
    ],
    ["a foreign origin", "\r\n\r\n", "\r\nOrigin: https://evil.example\r\n\r\n"],
    ["an origin that is none", "\r\n\r\n", "\r\nOrigin: \0\r\n\r\n"],
    ["another path", "/ws", "/ws/../ws"],
    ["a query", "/ws", "/ws?token=%00&token[]=x"],
  ];
  return changes.map(([label, from, to]) => ({
    label: `handshake: ${label}`,
    segments: [Buffer.from(good.replace(from, to), "latin1")],
  }));
}

function violations(): readonly Named[] {
  const payload = PING_TEXT;
  const none = Buffer.alloc(0);
  const closes = [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535];
  const opcodes = [0x03, 0x04, 0x05, 0x06, 0x07, 0x0b, 0x0c, 0x0d, 0x0e, 0x0f];
  return [
    ...[0xc1, 0xa1, 0x91, 0xf1, 0xc9, 0xc8].map(
      (first): Named => [`reserved bits ${first.toString(16)}`, wsFrame({ first, payload })],
    ),
    ...opcodes.map((code): Named => [`reserved opcode ${code}`, wsFrame({ first: 0x80 | code, payload })]),
    ["an unmasked frame", wsFrame({ first: TEXT, payload, isUnmasked: true })],
    ["an unmasked ping", wsFrame({ first: PING, payload, isUnmasked: true })],
    ["a ping of 126 bytes", wsFrame({ first: PING, payload: Buffer.alloc(126) })],
    ["a ping in parts", wsFrame({ first: 0x09, payload })],
    ["a close in parts", wsFrame({ first: 0x08, payload: Buffer.from([3, 232]) })],
    ["a continuation of nothing", wsFrame({ first: 0x80, payload })],
    ["an open continuation of nothing", wsFrame({ first: 0x00, payload })],
    [
      "a message within a message",
      Buffer.concat([wsFrame({ first: 0x01, payload }), wsFrame({ first: TEXT, payload })]),
    ],
    [
      "parts with a ping between",
      Buffer.concat([
        wsFrame({ first: 0x01, payload: payload.subarray(0, 3) }),
        wsFrame({ first: PING, payload: none }),
        wsFrame({ first: 0x80, payload: payload.subarray(3) }),
      ]),
    ],
    [
      "1,000 empty parts",
      Buffer.concat([
        wsFrame({ first: 0x01, payload: none }),
        ...Array.from({ length: 1000 }, () => wsFrame({ first: 0x00, payload: none })),
      ]),
    ],
    [
      "1,000 pings",
      Buffer.concat(Array.from({ length: 1000 }, () => wsFrame({ first: PING, payload: Buffer.from("x") }))),
    ],
    [
      "1,000 pongs nobody asked for",
      Buffer.concat(Array.from({ length: 1000 }, () => wsFrame({ first: 0x8a, payload: Buffer.from("x") }))),
    ],
    ["text that is no UTF-8", wsFrame({ first: TEXT, payload: Buffer.from([0x22, 0xc3, 0x28, 0x22]) })],
    [
      "text with a lone surrogate",
      wsFrame({ first: TEXT, payload: Buffer.from([0x22, 0xed, 0xa0, 0x80, 0x22]) }),
    ],
    [
      "text that breaks a character in two parts",
      Buffer.concat([
        wsFrame({ first: 0x01, payload: Buffer.from([0x22, 0xe2]) }),
        wsFrame({ first: 0x80, payload: Buffer.from([0x82, 0xac, 0x22]) }),
      ]),
    ],
    ["a length of 2^63", wsFrame({ first: BINARY, payload, claimedLength: 2n ** 63n })],
    ["a length of 2^64 - 1", wsFrame({ first: BINARY, payload, claimedLength: 2n ** 64n - 1n })],
    ["a length of 1 GiB", wsFrame({ first: BINARY, payload, claimedLength: 2n ** 30n })],
    ["a frame over the limit", wsFrame({ first: TEXT, payload: Buffer.alloc(1_600_000, 0x20) })],
    ["a frame far over the limit", wsFrame({ first: TEXT, payload: Buffer.alloc(4_000_000, 0x20) })],
    [
      "parts that are over the limit together",
      Buffer.concat([
        wsFrame({ first: 0x01, payload: Buffer.alloc(1_200_000, 0x20) }),
        ...Array.from({ length: 3 }, () => wsFrame({ first: 0x00, payload: Buffer.alloc(1_200_000, 0x20) })),
      ]),
    ],
    ["a length that could be shorter", Buffer.from([TEXT, 0xfe, 0, 2, 0, 0, 0, 0, 0x7b, 0x7d])],
    ["a close with one byte", wsFrame({ first: 0x88, payload: Buffer.from([3]) })],
    [
      "a close with a reason that is no UTF-8",
      wsFrame({ first: 0x88, payload: Buffer.from([3, 232, 0xff, 0xff]) }),
    ],
    ...closes.map(
      (code): Named => [
        `close code ${code}`,
        wsFrame({ first: 0x88, payload: Buffer.from([code >> 8, code & 255]) }),
      ],
    ),
    [
      "two closes",
      Buffer.concat([
        wsFrame({ first: 0x88, payload: Buffer.from([3, 232]) }),
        wsFrame({ first: 0x88, payload: Buffer.from([3, 232]) }),
      ]),
    ],
    ["HTTP after the upgrade", Buffer.from("GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")],
    ["a second hello", wsFrame({ first: TEXT, payload: HELLO })],
  ];
}

function splits(): readonly Input[] {
  const bytes = Buffer.concat([wsFrame({ first: TEXT, payload: PING_TEXT }), pingFrame()]);
  return splitEverywhere(bytes).map((segments, at) => ({
    label: `a frame in two pieces, cut after byte ${at + 1}`,
    segments,
    ...OPENING,
    end: PONG,
    mustAnswer: true,
  }));
}
