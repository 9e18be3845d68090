/** A Delivery and where the payload of its envelope is; reused for the next one. */
export type HubDelivery = {
  epoch: number;
  offset: number;
  buffer: Buffer;
  payloadStart: number;
  payloadEnd: number;
};

/** What a SessionResponse says, in field order; deliveries are valid only during the call. */
export type HubFrameEvents = {
  welcome(): void;
  /** `failed` is the error's text when the message was not accepted. */
  result(ref: number, epoch: number, offset: number, failed: string | undefined): void;
  delivery(delivery: HubDelivery): void;
  acked(epoch: number, offset: number): void;
  refused(text: string): void;
};

const VARINT = 0;
const FIXED_64 = 1;
const BYTES = 2;
const FIXED_32 = 5;
const EMPTY: Buffer = Buffer.alloc(0);

/** Reads protobuf in place: no object per message, unknown fields skipped. */
export class HubFrameReader {
  readonly #events: HubFrameEvents;
  #buffer: Buffer = EMPTY;
  #at = 0;
  readonly #view: HubDelivery = { epoch: 0, offset: 0, buffer: EMPTY, payloadStart: 0, payloadEnd: 0 };

  constructor(events: HubFrameEvents) {
    this.#events = events;
  }

  read(buffer: Buffer, start: number, end: number): void {
    this.#buffer = buffer;
    this.#at = start;
    while (this.#at < end) {
      const tag = this.#varint();
      const partEnd = (tag & 7) === BYTES ? this.#bytesEnd() : this.#skip(tag);
      this.#part(tag >>> 3, partEnd);
      this.#at = partEnd;
    }
  }

  #part(field: number, end: number): void {
    switch (field) {
      case 1:
        this.#events.welcome();
        break;
      case 2:
        this.#result(end);
        break;
      case 3:
        this.#delivery(end);
        break;
      case 4:
        this.#events.refused(this.#errorText(end));
        break;
      case 5:
        this.#acked(end);
        break;
    }
  }

  #result(end: number): void {
    let ref = 0;
    let epoch = 0;
    let offset = 0;
    let failed: string | undefined;
    while (this.#at < end) {
      const tag = this.#varint();
      if (tag === 0x08) ref = this.#varint();
      else if (tag === 0x18) epoch = this.#varint();
      else if (tag === 0x20) offset = this.#varint();
      else if (tag === 0x2a) failed = this.#errorText(this.#bytesEnd());
      else this.#at = this.#skip(tag);
    }
    this.#events.result(ref, epoch, offset, failed);
  }

  #delivery(end: number): void {
    const view = this.#view;
    view.buffer = this.#buffer;
    view.payloadStart = 0;
    view.payloadEnd = 0;
    while (this.#at < end) {
      const tag = this.#varint();
      if (tag === 0x08) view.epoch = this.#varint();
      else if (tag === 0x10) view.offset = this.#varint();
      else if (tag === 0x1a) {
        const envelopeEnd = this.#bytesEnd();
        view.payloadEnd = this.#payloadEnd(envelopeEnd);
        view.payloadStart = view.payloadEnd === 0 ? 0 : this.#at;
        this.#at = envelopeEnd;
      } else this.#at = this.#skip(tag);
    }
    this.#events.delivery(view);
  }

  /** Stands at the payload's first byte afterwards; 0 when the envelope has none. */
  #payloadEnd(envelopeEnd: number): number {
    while (this.#at < envelopeEnd) {
      const tag = this.#varint();
      if (tag === 0x12) return this.#bytesEnd();
      this.#at = this.#skip(tag);
    }
    return 0;
  }

  #acked(end: number): void {
    let epoch = 0;
    let offset = 0;
    while (this.#at < end) {
      const tag = this.#varint();
      if (tag === 0x08) epoch = this.#varint();
      else if (tag === 0x10) offset = this.#varint();
      else this.#at = this.#skip(tag);
    }
    this.#events.acked(epoch, offset);
  }

  /** The texts of an ErrorDetail, joined. */
  #errorText(end: number): string {
    const texts: string[] = [];
    while (this.#at < end) {
      const tag = this.#varint();
      const partEnd = (tag & 7) === BYTES ? this.#bytesEnd() : this.#skip(tag);
      if ((tag & 7) === BYTES) texts.push(this.#buffer.toString("utf8", this.#at, partEnd));
      this.#at = partEnd;
    }
    this.#at = end;
    return texts.join(" - ") || "error without a text";
  }

  #varint(): number {
    let value = 0;
    let scale = 1;
    for (;;) {
      const byte = this.#buffer[this.#at++] ?? 0;
      value += (byte & 127) * scale;
      if (byte < 128) return value;
      scale *= 128;
    }
  }

  #bytesEnd(): number {
    const bytes = this.#varint();
    return this.#at + bytes;
  }

  /** Answers where the field with this tag ends. */
  #skip(tag: number): number {
    const kind = tag & 7;
    if (kind === VARINT) this.#varint();
    else if (kind === BYTES) return this.#bytesEnd();
    else if (kind === FIXED_64) return this.#at + 8;
    else if (kind === FIXED_32) return this.#at + 4;
    else throw new Error(`protobuf wire type ${kind}`);
    return this.#at;
  }
}
