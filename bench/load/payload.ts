const STAMP_BYTES = 12;
const FILLER = 0x62;

/**
 * The payloads of one lane: lane and number at the front, the number again at the end, so that one that is
 * mixed up or cut shows.
 */
export class LanePayload {
  readonly lane: number;
  readonly bytes: number;

  constructor(lane: number, bytes: number) {
    if (bytes < STAMP_BYTES) throw new Error(`a payload needs ${STAMP_BYTES} bytes or more`);
    this.lane = lane;
    this.bytes = bytes;
  }

  blank(): Buffer {
    return Buffer.alloc(this.bytes, FILLER);
  }

  stamp(buffer: Buffer, start: number, seq: number): void {
    buffer.writeUInt32LE(this.lane, start);
    buffer.writeUInt32LE(seq, start + 4);
    buffer.writeUInt32LE(seq, start + this.bytes - 4);
  }

  /** Answers the number, -1 when these bytes are not what was sent. */
  read(buffer: Buffer, start: number, end: number): number {
    if (end - start !== this.bytes || buffer.readUInt32LE(start) !== this.lane) return -1;
    const seq = buffer.readUInt32LE(start + 4);
    return buffer.readUInt32LE(end - 4) === seq ? seq : -1;
  }
}
