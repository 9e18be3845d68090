const MIN_BYTES = 4096;

/**
 * Bytes on their way to a socket. Whatever is queued between two flushes leaves in one write, which is
 * what makes a client lean; hub and peer clients share it.
 */
export class Outbox {
  #buffer: Buffer;
  #end: number;
  readonly #headroom: number;

  /** `headroom` bytes stay free in front, for a frame header that is known only at the end. */
  constructor(headroom = 0) {
    this.#headroom = headroom;
    this.#buffer = Buffer.allocUnsafeSlow(MIN_BYTES);
    this.#end = headroom;
  }

  get length(): number {
    return this.#end - this.#headroom;
  }

  /** Makes room for `bytes` and answers where they go in `buffer`; call `advance` after writing. */
  reserve(bytes: number): number {
    if (this.#end + bytes > this.#buffer.length) {
      const grown = Buffer.allocUnsafeSlow(Math.max(this.#buffer.length * 2, this.#end + bytes));
      this.#buffer.copy(grown, 0, 0, this.#end);
      this.#buffer = grown;
    }
    return this.#end;
  }

  get buffer(): Buffer {
    return this.#buffer;
  }

  advance(bytes: number): void {
    this.#end += bytes;
  }

  push(bytes: Buffer): void {
    const start = this.reserve(bytes.length); // may replace the buffer
    bytes.copy(this.#buffer, start);
    this.#end += bytes.length;
  }

  pushText(text: string): void {
    this.reserve(text.length * 3);
    this.#end += this.#buffer.write(text, this.#end, "utf8");
  }

  /** Hands the bytes over, headroom included; the next ones go into a new buffer of about the size needed. */
  take(): Buffer {
    const taken = this.#buffer.subarray(0, this.#end);
    this.#buffer = Buffer.allocUnsafeSlow(Math.max(MIN_BYTES, taken.length * 2));
    this.#end = this.#headroom;
    return taken;
  }
}
