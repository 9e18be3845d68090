/** A message that a test client sends; the payload is JSON text. */
export interface OutMessage {
  readonly ref: number;
  readonly to: string;
  readonly payload: string;
  readonly dedupeKey?: string | undefined;
  readonly ttlMs?: number;
  readonly receipts?: boolean;
  readonly contextId?: string;
}

/** The hub's answer to one send. */
export interface SendOutcome {
  readonly ref: number;
  readonly id: string;
  readonly epoch: number;
  readonly offset: number;
  readonly duplicate: boolean;
  /** Set when the message was refused; then there is no id. */
  readonly error: string | undefined;
}

/** A delivered record. */
export interface InMessage {
  readonly epoch: number;
  readonly offset: number;
  readonly id: string;
  readonly from: string;
  readonly to: string;
  readonly kind: string;
  readonly payload: string;
}

export interface Place {
  readonly epoch: number;
  readonly offset: number;
}

/** One frame of the hub, in whichever wire it came. */
export interface HubFrame {
  readonly welcome: Place | undefined;
  readonly results: readonly SendOutcome[];
  readonly deliveries: readonly InMessage[];
  readonly acked: Place | undefined;
  readonly pong: number;
  /** `code: message` of an error frame. */
  readonly error: string | undefined;
}

export interface HelloFields {
  readonly token: string;
  readonly cursor?: string;
  readonly window?: number;
  readonly noDelivery?: boolean;
}

/** A wire of the session, as a client writes and reads it. Written apart from the hub's own codecs. */
export interface SessionWire {
  readonly subprotocol: string;
  hello(fields: HelloFields): Uint8Array | string;
  send(messages: readonly OutMessage[]): Uint8Array | string;
  ack(place: Place): Uint8Array | string;
  ping(number: number): Uint8Array | string;
  read(data: Buffer): HubFrame;
}

/** @throws when the text is no cursor */
export function placeFromCursor(cursor: unknown): Place {
  const [epoch, offset] = String(cursor).split("-");
  const place = { epoch: Number(epoch), offset: Number(offset) };
  if (!Number.isSafeInteger(place.epoch) || !Number.isSafeInteger(place.offset)) {
    throw new Error(`not a cursor: ${String(cursor)}`);
  }
  return place;
}
