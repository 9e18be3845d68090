/** One MSG or HMSG, as offsets into the chunk that it came in; reused for the next one. */
export type NatsMessage = {
  buffer: Buffer;
  sid: number;
  subjectStart: number;
  subjectEnd: number;
  /** Both 0 when the message asks for no reply. */
  replyStart: number;
  replyEnd: number;
  bodyStart: number;
  bodyEnd: number;
  /** The status in the headers, such as 404 or 503; 0 without one. */
  status: number;
};

export type NatsParserEvents = {
  message(message: NatsMessage): void;
  ping(): void;
  pong(): void;
  refused(text: string): void;
};

const CR = 13;
const SPACE = 32;
const ZERO = 48;
const LETTER_H = 72;
const LETTER_I = 73;
const LETTER_M = 77;
const LETTER_O = 79;
const LETTER_P = 80;
const PLUS = 43;
const MINUS = 45;
const MAX_TOKENS = 6;
const EMPTY = Buffer.alloc(0);

/** Reads the server's side of the protocol without making a string per message. */
export class NatsParser {
  /** The last chunk held a PING, so an answer is waiting to be flushed. */
  pinged = false;
  readonly #events: NatsParserEvents;
  #rest: Buffer = EMPTY;
  readonly #starts = new Int32Array(MAX_TOKENS);
  readonly #ends = new Int32Array(MAX_TOKENS);
  readonly #message: NatsMessage = {
    buffer: EMPTY,
    sid: 0,
    subjectStart: 0,
    subjectEnd: 0,
    replyStart: 0,
    replyEnd: 0,
    bodyStart: 0,
    bodyEnd: 0,
    status: 0,
  };

  constructor(events: NatsParserEvents) {
    this.#events = events;
  }

  parse(chunk: Buffer): void {
    this.pinged = false;
    const buffer = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk;
    let at = 0;
    while (at < buffer.length) {
      const next = this.#parseOne(buffer, at);
      if (next === 0) break;
      at = next;
    }
    this.#rest = at < buffer.length ? buffer.subarray(at) : EMPTY;
  }

  /** Answers where the next operation starts, 0 when this one is not complete yet. */
  #parseOne(buffer: Buffer, from: number): number {
    const tokens = this.#split(buffer, from);
    if (tokens === 0) return 0;
    const lineEnd = (this.#ends[tokens - 1] ?? 0) + 2;
    if (lineEnd > buffer.length) return 0;
    const letter = buffer[from] ?? 0;
    if (letter === LETTER_M || letter === LETTER_H) {
      return this.#parseMessage(buffer, lineEnd, tokens, letter === LETTER_H);
    }
    this.#parseControl(buffer, from, lineEnd - 2);
    return lineEnd;
  }

  #parseControl(buffer: Buffer, from: number, end: number): void {
    const letter = buffer[from] ?? 0;
    if (letter === LETTER_P && buffer[from + 1] === LETTER_O) this.#events.pong();
    else if (letter === LETTER_P) {
      this.pinged = true;
      this.#events.ping();
    } else if (letter === MINUS) this.#events.refused(buffer.toString("latin1", from, end));
    else if (letter !== LETTER_I && letter !== PLUS) this.#events.refused("unknown operation");
  }

  #parseMessage(buffer: Buffer, lineEnd: number, tokens: number, hasHeaders: boolean): number {
    const sizes = hasHeaders ? 2 : 1;
    const total = this.#numberAt(buffer, tokens - 1);
    const end = lineEnd + total + 2;
    if (end > buffer.length) return 0;
    const headerBytes = hasHeaders ? this.#numberAt(buffer, tokens - 2) : 0;
    const hasReply = tokens === 4 + sizes;
    const message = this.#message;
    message.buffer = buffer;
    message.sid = this.#numberAt(buffer, 2);
    message.subjectStart = this.#starts[1] ?? 0;
    message.subjectEnd = this.#ends[1] ?? 0;
    message.replyStart = hasReply ? (this.#starts[3] ?? 0) : 0;
    message.replyEnd = hasReply ? (this.#ends[3] ?? 0) : 0;
    message.bodyStart = lineEnd + headerBytes;
    message.bodyEnd = lineEnd + total;
    message.status = hasHeaders ? statusIn(buffer, lineEnd) : 0;
    this.#events.message(message);
    return end;
  }

  /** Notes the words of the line at `from`; answers how many, 0 when the line has not ended yet. */
  #split(buffer: Buffer, from: number): number {
    let count = 0;
    let start = from;
    for (let at = from; at < buffer.length; at++) {
      const byte = buffer[at] ?? 0;
      if (byte !== SPACE && byte !== CR) continue;
      // The last word keeps what does not fit: an INFO line has as many words as it likes.
      if (count < MAX_TOKENS) this.#starts[count++] = start;
      this.#ends[count - 1] = at;
      start = at + 1;
      if (byte === CR) return count;
    }
    return 0;
  }

  #numberAt(buffer: Buffer, token: number): number {
    let value = 0;
    const end = this.#ends[token] ?? 0;
    for (let at = this.#starts[token] ?? 0; at < end; at++) value = value * 10 + (buffer[at] ?? 0) - ZERO;
    return value;
  }
}

/** The number after "NATS/1.0 ". */
function statusIn(buffer: Buffer, from: number): number {
  return Number(buffer.toString("latin1", from + 9, from + 12)) || 0;
}
