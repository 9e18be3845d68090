import { create, toBinary } from "@bufbuild/protobuf";
import fc from "fast-check";
import { SessionRequestSchema } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { mutated, sample, truncatedEverywhere } from "../generators/bytes.ts";
import { mutatedJson } from "../generators/json.ts";
import { BINARY, PONG, pingFrame, TEXT, upgradeRequest, wsFrame } from "../generators/ws-frame.ts";
import type { Input, Wire } from "../input.ts";

const SEND = {
  ref: 7,
  to: "victim",
  payload: { text: "x" },
  reply_to: "0198c6a5-0000-7000-8000-000000000000",
  dedupe_key: "k",
  ttl_s: 60,
  priority: "high",
  context_id: "c",
  receipts: false,
  annotations: { a: "b" },
};
const JSON_FRAMES = [
  { send: [SEND, { ...SEND, ref: 8, to: "#c" }] },
  { ack: "1-1" },
  { flow: { pause: true, resume: false, window: 10 } },
  { ping: 5 },
  { hello: { token: "@TOKEN@", cursor: "1-0", window: 1, no_delivery: true } },
  { send: [SEND], ack: "1-2", flow: { window: 3 }, ping: 9 },
];
const PROTO_FRAMES = protoFrames();

/** Frames of the session that are sound WebSocket, and wrong inside: JSON and protobuf. */
export const sessionWire: Wire = {
  name: "session",
  port: (ports) => ports.http,
  handMade: () => [
    ...PROTO_FRAMES.flatMap(truncatedEverywhere).map((bytes) => binary("a frame cut off", bytes, true)),
    ...JSON_FRAMES.map((frame) => textFrame("a sound frame", JSON.stringify(frame), true)),
    ...PROTO_FRAMES.map((bytes) => binary("a sound frame", bytes, true)),
    binary("10,001 sends", Buffer.from("12001200".repeat(5001), "hex"), true),
    binary("a frame of groups", Buffer.from("0b".repeat(2000), "hex"), true),
    binary("lengths that lead nowhere", Buffer.from("12ffffffffffffffffff01", "hex"), true),
  ],
  generated(_context, seed, count) {
    const isAuthenticated = fc.boolean();
    const asJson = fc
      .tuple(mutatedJson(JSON_FRAMES), isAuthenticated)
      .map(([text, known]) => textFrame("a JSON frame with changes", text, known));
    const asProto = fc
      .tuple(mutated(PROTO_FRAMES), isAuthenticated)
      .map(([bytes, known]) => binary("a protobuf frame with changes", bytes, known));
    const asAny = fc
      .uint8Array({ maxLength: 200 })
      .map((bytes) => binary("bytes for a protobuf frame", bytes, true));
    return sample(
      fc.oneof(
        { weight: 4, arbitrary: asJson },
        { weight: 4, arbitrary: asProto },
        { weight: 1, arbitrary: asAny },
      ),
      seed,
      count,
    );
  },
};

function textFrame(label: string, text: string, isAuthenticated: boolean): Input {
  return frameInput(
    label,
    "meshkore.v1.json",
    wsFrame({ first: TEXT, payload: Buffer.from(text) }),
    isAuthenticated,
  );
}

function binary(label: string, bytes: Uint8Array, isAuthenticated: boolean): Input {
  return frameInput(label, "meshkore.v1.proto", wsFrame({ first: BINARY, payload: bytes }), isAuthenticated);
}

function frameInput(label: string, subprotocol: string, frame: Buffer, isAuthenticated: boolean): Input {
  return {
    label: isAuthenticated ? label : `${label}, for a hello`,
    segments: [frame, pingFrame()],
    opening: upgradeRequest(subprotocol, isAuthenticated ? "@TOKEN@" : undefined),
    openingEnd: "\r\n\r\n",
    end: PONG,
    mustAnswer: true,
  };
}

function protoFrames(): readonly Uint8Array[] {
  const send = {
    ref: 7n,
    to: "victim",
    payload: Buffer.from('{"a":1}'),
    contentType: "application/json",
    noReceipts: true,
  };
  const full = {
    ...send,
    dedupeKey: "k",
    ttlMs: 60_000n,
    contextId: "c",
    annotations: { a: "b" },
    replyTo: "0198c6a5-0000-7000-8000-000000000000",
  };
  return [
    { send: [send, full] },
    { ack: { epoch: 1n, offset: 1n } },
    { flow: { pause: true, window: 10 } },
    { ping: 5n },
    { send: [send], ack: { epoch: 1n, offset: 2n }, flow: { resume: true }, ping: 9n },
  ].map((frame) => toBinary(SessionRequestSchema, create(SessionRequestSchema, frame)));
}
