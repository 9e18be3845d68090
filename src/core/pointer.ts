import type { Position } from "../model/position.ts";
import type { StreamName } from "../ports/message-log.ts";
import { channelStream } from "./streams.ts";

/**
 * What stands in an inbox for a record that is stored once in another stream: a channel's message, a task's event. An
 * envelope never starts with a zero byte, so the two are told apart by the first one.
 */
export interface Pointer extends Position {
  readonly stream: StreamName;
}

const HEAD_BYTES = 13;
/** Of a channel only its id is stored; a channel's id has no slash. */
const CHANNEL_PREFIX = channelStream("");

/** The bytes of the pointer, names in ASCII. */
export function encodePointer({ stream, epoch, offset }: Pointer): Buffer {
  const name = stream.startsWith(CHANNEL_PREFIX) ? stream.slice(CHANNEL_PREFIX.length) : stream;
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + name.length);
  bytes[0] = 0;
  bytes.writeUInt32LE(epoch, 1);
  bytes.writeDoubleLE(offset, 5);
  bytes.write(name, HEAD_BYTES, "latin1");
  return bytes;
}

/** Whether a record of an inbox is a pointer, and not an envelope. */
export function isPointer(bytes: Uint8Array): boolean {
  return bytes[0] === 0;
}

/** Reads what `encodePointer` wrote; to be asked only where `isPointer` says so. */
export function decodePointer(bytes: Uint8Array): Pointer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const name = view.toString("latin1", HEAD_BYTES);
  return {
    epoch: view.readUInt32LE(1),
    offset: view.readDoubleLE(5),
    stream: name.includes("/") ? name : channelStream(name),
  };
}
