import { type DescMessage, fromBinary, type MessageShape, toBinary } from "@bufbuild/protobuf";
import { MeshError } from "../../model/errors.ts";

const READ = { readUnknownFields: false } as const;
const WRITE = { writeUnknownFields: false } as const;

/** @throws MeshError malformed */
export function decodeMessage<Desc extends DescMessage>(schema: Desc, bytes: Uint8Array): MessageShape<Desc> {
  try {
    return fromBinary(schema, bytes, READ);
  } catch (cause) {
    throw new MeshError("malformed", `the bytes are no ${schema.typeName}`, {
      hint: "generate the client from the .proto files of this hub's version",
      cause,
    });
  }
}

export function encodeMessage<Desc extends DescMessage>(schema: Desc, message: MessageShape<Desc>): Buffer {
  return bufferOver(toBinary(schema, message, WRITE));
}

/** The same memory, as the library wants it. */
export function bufferOver(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
