import fc from "fast-check";
import { inPieces, mutated, sample, splitEverywhere, truncatedEverywhere } from "../generators/bytes.ts";
import type { Input, Wire } from "../input.ts";
import { HAND_MADE_REQUESTS } from "./http-requests.ts";

const GET = "GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n";
const SEND_BODY = '{"to":"victim","payload":{"n":1},"receipts":false}';
const SEND =
  "POST /send HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer @TOKEN@\r\nContent-Type: application/json\r\n" +
  `Content-Length: ${SEND_BODY.length}\r\n\r\n${SEND_BODY}`;
const CHUNKED =
  "POST /send HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer @TOKEN@\r\nTransfer-Encoding: chunked\r\n\r\n" +
  `${SEND_BODY.length.toString(16)}\r\n${SEND_BODY}\r\n0\r\n\r\n`;
const LIST =
  "GET /messages?limit=2&ack=manual HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer @TOKEN@\r\n\r\n";
const UPGRADE =
  "GET /ws HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
  "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: meshkore.v1.json\r\n\r\n";
const PREFLIGHT =
  "OPTIONS /send HTTP/1.1\r\nHost: hub\r\nOrigin: http://localhost:3000\r\nAccess-Control-Request-Method: POST\r\n\r\n";
const REQUESTS = [GET, SEND, CHUNKED, LIST, UPGRADE, PREFLIGHT].map((text) => Buffer.from(text, "latin1"));

/** HTTP/1.1 as bytes: everything below what a well-behaved client library could send. */
export const httpWire: Wire = {
  name: "http",
  port: (ports) => ports.http,
  handMade: () => [...HAND_MADE_REQUESTS, ...everywhere()],
  generated(_context, seed, count) {
    const pipelined = fc
      .tuple(fc.constantFrom(...REQUESTS), mutated(REQUESTS))
      .map((both) => Buffer.concat([...both]));
    const bytes = fc.oneof(
      { weight: 6, arbitrary: mutated(REQUESTS) },
      { weight: 1, arbitrary: pipelined },
      {
        weight: 1,
        arbitrary: fc.uint8Array({ minLength: 1, maxLength: 600 }).map((part) => Buffer.from(part)),
      },
    );
    return sample(inPieces(bytes), seed, count).map((segments) => ({
      label: "a request with changes",
      segments,
    }));
  },
};

function everywhere(): readonly Input[] {
  const cut = [SEND, CHUNKED, UPGRADE].flatMap((text) =>
    truncatedEverywhere(Buffer.from(text)).map((part, at) => ({
      label: `a request cut off after byte ${at + 1}`,
      segments: [part],
    })),
  );
  const split = [SEND, CHUNKED].flatMap((text) =>
    splitEverywhere(Buffer.from(text)).map((segments, at) => ({
      label: `a request in two pieces, cut after byte ${at + 1}`,
      segments,
      mustAnswer: true,
    })),
  );
  return [...cut, ...split];
}
