/** Frame types of RFC 9113, section 6. */
export const TYPES = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  push: 5,
  ping: 6,
  goaway: 7,
  window: 8,
  continuation: 9,
} as const;
export const FLAGS = { end: 1, ack: 1, endHeaders: 4, padded: 8, priority: 0x20 } as const;

export interface H2Frame {
  readonly type: number;
  readonly flags?: number;
  readonly stream?: number;
  readonly payload?: Uint8Array;
  /** Said to be this long, whatever it is. */
  readonly claimedLength?: number;
}

export function h2Frame({
  type,
  flags = 0,
  stream = 0,
  payload = new Uint8Array(),
  claimedLength,
}: H2Frame): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(claimedLength ?? payload.length, 0, 3);
  head[3] = type;
  head[4] = flags;
  head.writeUInt32BE(stream >>> 0, 5);
  return Buffer.concat([head, payload]);
}

export const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
/** Preface and settings; the hub's acknowledgement is `SETTINGS_ACK`. */
export const OPENING: Buffer = Buffer.concat([PREFACE, h2Frame({ type: TYPES.settings })]);
export const SETTINGS_ACK = "\0\0\0\x04\x01\0\0\0\0";

const PING_BYTES = Buffer.from("are-you?");
export const PING: Buffer = h2Frame({ type: TYPES.ping, payload: PING_BYTES });
export const PING_ACK: Buffer = h2Frame({ type: TYPES.ping, flags: FLAGS.ack, payload: PING_BYTES });

export type Header = readonly [name: string, value: string];

/** HPACK as plain as it can be: every field a literal without indexing, no Huffman code. */
export function hpack(headers: readonly Header[]): Buffer {
  return Buffer.concat(
    headers.flatMap(([name, value]) => [Buffer.from([0]), hpackText(name), hpackText(value)]),
  );
}

function hpackText(text: string): Buffer {
  const bytes = Buffer.from(text, "latin1");
  return Buffer.concat([hpackLength(bytes.length), bytes]);
}

function hpackLength(length: number): Buffer {
  if (length < 127) return Buffer.from([length]);
  const bytes = [127];
  let rest = length - 127;
  for (; rest >= 128; rest >>= 7) bytes.push((rest & 127) | 128);
  bytes.push(rest);
  return Buffer.from(bytes);
}

export function windowUpdate(stream: number, by: number): Buffer {
  const payload = Buffer.alloc(4);
  payload.writeUInt32BE(by >>> 0);
  return h2Frame({ type: TYPES.window, stream, payload });
}

export function settings(values: readonly (readonly [id: number, value: number])[]): Buffer {
  const payload = Buffer.alloc(values.length * 6);
  for (const [at, [id, value]] of values.entries()) {
    payload.writeUInt16BE(id, at * 6);
    payload.writeUInt32BE(value >>> 0, at * 6 + 2);
  }
  return h2Frame({ type: TYPES.settings, payload });
}
