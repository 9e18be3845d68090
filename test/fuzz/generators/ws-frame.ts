const MASK = Buffer.from([1, 2, 3, 4]);

export interface FrameShape {
  /** First byte: FIN, reserved bits, opcode. */
  readonly first: number;
  readonly payload: Uint8Array;
  /** Default: masked, as RFC 6455 demands of a client. */
  readonly isUnmasked?: boolean;
  /** Said to be this long, whatever it is. */
  readonly claimedLength?: bigint;
}

export const TEXT = 0x81;
export const BINARY = 0x82;
export const PING = 0x89;
/** A PONG that answers `pingFrame`. */
export const PONG = Buffer.from([0x8a, 4, 0x70, 0x6f, 0x6e, 0x67]);

export function wsFrame({ first, payload, isUnmasked = false, claimedLength }: FrameShape): Buffer {
  const length = claimedLength ?? BigInt(payload.length);
  const maskBit = isUnmasked ? 0 : 0x80;
  let head: Buffer;
  if (length < 126n) head = Buffer.from([first, maskBit | Number(length)]);
  else if (length < 65_536n) {
    head = Buffer.from([first, maskBit | 126, 0, 0]);
    head.writeUInt16BE(Number(length), 2);
  } else {
    head = Buffer.alloc(10);
    head[0] = first;
    head[1] = maskBit | 127;
    head.writeBigUInt64BE(BigInt.asUintN(64, length), 2);
  }
  if (isUnmasked) return Buffer.concat([head, payload]);
  return Buffer.concat([head, MASK, Buffer.from(payload).map((byte, at) => byte ^ (MASK[at % 4] ?? 0))]);
}

export function pingFrame(): Buffer {
  return wsFrame({ first: PING, payload: Buffer.from("pong") });
}

/** A valid upgrade; with a token the session opens at once. */
export function upgradeRequest(subprotocol: string, token: string | undefined): Buffer {
  return Buffer.from(
    "GET /ws HTTP/1.1\r\nHost: hub\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n" +
      `Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\nSec-WebSocket-Protocol: ${subprotocol}\r\n` +
      `${token === undefined ? "" : `Authorization: Bearer ${token}\r\n`}\r\n`,
  );
}
