import type { Position } from "../model/position.ts";

/**
 * What stands in a member's inbox for a message of a channel: the channel and the position in its stream. An
 * envelope never starts with a zero byte, so the two are told apart by the first one.
 */
export interface ChannelPointer extends Position {
  readonly channelId: string;
}

const HEAD_BYTES = 13;

export function encodePointer(pointer: ChannelPointer): Buffer {
  const bytes = Buffer.allocUnsafe(HEAD_BYTES + pointer.channelId.length);
  bytes[0] = 0;
  bytes.writeUInt32LE(pointer.epoch, 1);
  bytes.writeDoubleLE(pointer.offset, 5);
  bytes.write(pointer.channelId, HEAD_BYTES, "latin1");
  return bytes;
}

export function isPointer(bytes: Uint8Array): boolean {
  return bytes[0] === 0;
}

export function decodePointer(bytes: Uint8Array): ChannelPointer {
  const view = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  return {
    epoch: view.readUInt32LE(1),
    offset: view.readDoubleLE(5),
    channelId: view.toString("latin1", HEAD_BYTES),
  };
}
