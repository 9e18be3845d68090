import fc from "fast-check";
import { inPieces, mutated, sample, splitEverywhere, truncatedEverywhere } from "../generators/bytes.ts";
import { OPENING } from "../generators/h2-frame.ts";
import type { Input, Wire } from "../input.ts";

/** A sound greeting of TLS 1.3: X25519, localhost, h2 and http/1.1. */
export const HELLO: Buffer = Buffer.from(
  "FgMBAM4BAADKAwNVHO4IdoHpr6O9BYMf0sjJFN1vO0u+uqhep+0CLjIRfyAdTwF/vOyMAKbXr2rY7CpW2fhLPT05hMcq5MsSDqmVqgACEwEBAAB/" +
    "AAAADgAMAAAJbG9jYWxob3N0AAsABAMAAQIACgAEAAIAHQAjAAAAEAAOAAwCaDIIaHR0cC8xLjEAFgAAABcAAAANAAQAAgQDACsAAwIDBAAtAAIB" +
    "AQAzACYAJAAdACCPAxmnjA/WI7Q8FrynVhwOpS4Fsk4TLZ5sEyWvtXk9Dw==",
  "base64",
);
const HANDSHAKE = 0x16;
/** How the answer to a sound greeting begins: a record of the handshake. */
const SERVER_HELLO = Buffer.from([HANDSHAKE, 3, 3]);
const RECORD_HEAD_BYTES = 5;
const MAX_RECORD_BYTES = 16_384;

type Named = readonly [label: string, bytes: Uint8Array];

/** What lies below TLS: its records and its handshake. */
function tlsWire(name: string, port: Wire["port"]): Wire {
  return {
    name,
    isBelowTls: true,
    port,
    handMade: () => [...[...others(), ...records(), ...floods()].map(bare), ...everywhere()],
    generated(_context, seed, count) {
      const input = inPieces(mutated([HELLO])).map(
        (segments): Input => ({ label: "a greeting with changes", segments }),
      );
      const noise = fc
        .tuple(fc.nat({ max: 255 }), fc.uint8Array({ maxLength: 80 }))
        .map(([type, body]): Input => bare(["a record of noise", record(type, body)]));
      const both = fc.oneof({ weight: 4, arbitrary: input }, { weight: 1, arbitrary: noise });
      return sample(both, seed, count);
    },
  };
}

export const httpTlsWire: Wire = tlsWire("tls-http", (ports) => ports.http);
export const grpcTlsWire: Wire = tlsWire("tls-grpc", (ports) => ports.grpc);

function bare([label, bytes]: Named): Input {
  return { label, segments: [bytes] };
}

function record(type: number, body: Uint8Array, claimedLength = body.length, version = 0x0303): Buffer {
  const head = Buffer.alloc(RECORD_HEAD_BYTES);
  head[0] = type;
  head.writeUInt16BE(version, 1);
  head.writeUInt16BE(claimedLength, 3);
  return Buffer.concat([head, body]);
}

/** Who came to the wrong port. */
function others(): readonly Named[] {
  return [
    ["HTTP without TLS", Buffer.from("GET /healthz HTTP/1.1\r\nHost: hub\r\n\r\n")],
    ["HTTP/2 without TLS", OPENING],
    ["SSH", Buffer.from("SSH-2.0-OpenSSH_9.9\r\n")],
    [
      "SSL 2",
      Buffer.concat([Buffer.from([0x80, 0x2e, 1, 0, 2, 0, 0x15, 0, 0, 0, 0x10]), Buffer.alloc(40, 1)]),
    ],
    ["zeros", Buffer.alloc(5000)],
    [
      "a PROXY header that nobody expects",
      Buffer.concat([Buffer.from("PROXY TCP4 1.2.3.4 1.2.3.4 1 2\r\n"), HELLO]),
    ],
  ];
}

function records(): readonly Named[] {
  const body = HELLO.subarray(RECORD_HEAD_BYTES);
  const withByte = (at: number, byte: number): Buffer => {
    const changed = Buffer.from(HELLO);
    changed[at] = byte;
    return changed;
  };
  return [
    ...Array.from(
      { length: 256 },
      (_, type): Named => [`record type ${type}`, record(type, Buffer.alloc(20))],
    ),
    ...[0x0000, 0x0002, 0x0300, 0x0301, 0x0302, 0x0304, 0x03ff, 0xfeff, 0xffff].map(
      (version): Named => [`record version ${version}`, record(HANDSHAKE, body, body.length, version)],
    ),
    ...[0, 1, body.length - 1, body.length + 1, MAX_RECORD_BYTES, MAX_RECORD_BYTES + 1, 0xffff].map(
      (length): Named => [`record length ${length}`, record(HANDSHAKE, body, length)],
    ),
    ...[0, 2, 4, 8, 11, 14, 15, 16, 20, 24, 254].map(
      (type): Named => [`handshake message ${type} first`, withByte(RECORD_HEAD_BYTES, type)],
    ),
    ["a greeting of 16 MiB claimed", withByte(RECORD_HEAD_BYTES + 1, 0xff)],
    ["a greeting twice", Buffer.concat([HELLO, HELLO])],
    ["a greeting and then HTTP", Buffer.concat([HELLO, Buffer.from("GET / HTTP/1.1\r\n\r\n")])],
    ["a greeting and then data", Buffer.concat([HELLO, record(0x17, Buffer.alloc(200))])],
    ["a heartbeat that asks for 16 KB", Buffer.concat([HELLO, record(0x18, Buffer.from([1, 0x40, 0]))])],
    [
      "a greeting in records of a byte",
      Buffer.concat([...body].map((byte) => record(HANDSHAKE, Buffer.from([byte])))),
    ],
    ["a fatal alert", record(0x15, Buffer.from([2, 40]))],
    ["a close", Buffer.concat([HELLO, record(0x15, Buffer.from([1, 0]))])],
  ];
}

function floods(): readonly Named[] {
  const many = (count: number, one: Uint8Array): Buffer =>
    Buffer.concat(Array.from({ length: count }, () => one));
  return [
    ["5,000 warnings", Buffer.concat([HELLO, many(5000, record(0x15, Buffer.from([1, 90])))])],
    ["5,000 cipher changes", Buffer.concat([HELLO, many(5000, record(0x14, Buffer.from([1])))])],
    ["5,000 empty records", Buffer.concat([HELLO, many(5000, record(0x17, Buffer.alloc(0)))])],
    ["5,000 empty parts of a greeting", many(5000, record(HANDSHAKE, Buffer.alloc(0)))],
    ["1,000 greetings", many(1000, HELLO)],
    ["4 MB of a greeting", many(256, record(HANDSHAKE, Buffer.alloc(MAX_RECORD_BYTES, 1)))],
  ];
}

function everywhere(): readonly Input[] {
  const cut = truncatedEverywhere(HELLO).map((part, at) =>
    bare([`a greeting cut off after byte ${at + 1}`, part]),
  );
  const split = splitEverywhere(HELLO).map((segments, at) => ({
    label: `a greeting in two pieces, cut after byte ${at + 1}`,
    segments,
    end: SERVER_HELLO,
    mustAnswer: true,
  }));
  return [...cut, ...split];
}
