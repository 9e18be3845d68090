import type { Position } from "../model/position.ts";

/**
 * What stands in a member's inbox for a message of a channel: the channel and the position in its stream. An
 * envelope never starts with a zero byte, so the two are told apart by the first one.
 */
export interface ChannelPointer extends Position {
  readonly channelId: string;
}

const HEAD_BYTES = 13;

/** The bytes of the pointer, channel id in ASCII. */
export function encodePointer(pointer: ChannelPointer): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + pointer.channelId.length);
  bytes[0] = 0;
  bytes.writeUInt32LE(pointer.epoch, 1);
  bytes.writeDoubleLE(pointer.offset, 5);
  bytes.write(pointer.channelId, HEAD_BYTES, "latin1");
  return bytes;
}

/** Whether a record of an inbox is a pointer, and not an envelope. */
export function isPointer(bytes: Uint8Array): boolean {
  return bytes[0] === 0;
}

/** Reads what `encodePointer` wrote; to be asked only where `isPointer` says so. */
export function decodePointer(bytes: Uint8Array): ChannelPointer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    epoch: view.readUInt32LE(1),
    offset: view.readDoubleLE(5),
    channelId: view.toString("latin1", HEAD_BYTES),
  };
}
