import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { EnvelopeSchema, Kind } from "../../src/gen/meshkore/v1/envelope_pb.js";
import { ErrorCode } from "../../src/gen/meshkore/v1/errors_pb.js";
import {
  type Delivery,
  SessionRequestSchema,
  SessionResponseSchema,
} from "../../src/gen/meshkore/v1/relay_pb.js";
import { type HubFrame, type InMessage, placeFromCursor, type SessionWire } from "./session-wire.ts";

const text = new TextDecoder();

/** meshkore.v1.proto by the generated code, so that the hub's hand-written codec is checked by another hand. */
export const protoWire: SessionWire = {
  subprotocol: "meshkore.v1.proto",
  hello: (hello) => toBinary(SessionRequestSchema, create(SessionRequestSchema, { hello })),
  send: (messages) =>
    toBinary(
      SessionRequestSchema,
      create(SessionRequestSchema, {
        send: messages.map((message) => ({
          ref: BigInt(message.ref),
          to: message.to,
          payload: Buffer.from(message.payload),
          contentType: "application/json",
          dedupeKey: message.dedupeKey ?? "",
          ttlMs: BigInt(message.ttlMs ?? 0),
          contextId: message.contextId ?? "",
          noReceipts: message.receipts !== true,
        })),
      }),
    ),
  ack: ({ epoch, offset }) =>
    toBinary(
      SessionRequestSchema,
      create(SessionRequestSchema, { ack: { epoch: BigInt(epoch), offset: BigInt(offset) } }),
    ),
  ping: (number) => toBinary(SessionRequestSchema, create(SessionRequestSchema, { ping: BigInt(number) })),
  read: readFrame,
};

function readFrame(data: Buffer): HubFrame {
  const frame = fromBinary(SessionResponseSchema, data);
  const { acked, error } = frame;
  return {
    welcome: frame.welcome && placeFromCursor(frame.welcome.cursor),
    results: frame.result.map((result) => ({
      ref: Number(result.ref),
      id: result.messageId,
      epoch: Number(result.epoch),
      offset: Number(result.offset),
      duplicate: result.duplicate,
      error: result.error && errorName(result.error.code),
    })),
    deliveries: frame.deliver.map(messageFrom),
    acked: acked && { epoch: Number(acked.epoch), offset: Number(acked.offset) },
    pong: Number(frame.pong),
    error: error && `${errorName(error.code)}: ${error.message}`,
  };
}

function messageFrom(delivery: Delivery): InMessage {
  const { header, payload } = fromBinary(EnvelopeSchema, delivery.envelope);
  if (header === undefined) throw new Error("a delivery without a header");
  return {
    epoch: Number(delivery.epoch),
    offset: Number(delivery.offset),
    id: header.id,
    from: header.from,
    to: header.to,
    kind: Kind[header.kind] ?? "",
    payload: text.decode(payload),
  };
}

function errorName(code: ErrorCode): string {
  return (ErrorCode[code] ?? "unknown").toLowerCase();
}
