import {
  type DescMessage,
  type DescMethod,
  fromBinary,
  type MessageShape,
  toBinary,
} from "@bufbuild/protobuf";
import { MeshError } from "../../model/errors.ts";
import type { RpcRefusals } from "../../ports/rpc.ts";

const READ = { readUnknownFields: false } as const;
const WRITE = { writeUnknownFields: false } as const;

/** The request of a call. @throws MeshError malformed, or what the method has to say instead */
export function decodeRequest<Method extends DescMethod>(
  { method, unreadable }: { readonly method: Method } & RpcRefusals,
  bytes: Uint8Array,
): MessageShape<Method["input"]> {
  try {
    return decodeMessage<Method["input"]>(method.input, bytes);
  } catch (thrown) {
    throw thrown instanceof MeshError && unreadable !== undefined ? unreadable(thrown) : thrown;
  }
}

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
