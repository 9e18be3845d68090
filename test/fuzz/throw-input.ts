import type { Socket } from "node:net";
import { setImmediate } from "node:timers/promises";
import { type Door, openDoor } from "./door.ts";
import { type Input, PLACEHOLDERS } from "./input.ts";

/** For an input that may rightly get no answer: long enough for most hubs to answer, short enough for many inputs. */
const PATIENCE_MS = 80;
const LONG_PATIENCE_MS = 15_000;
const OPENING_MS = 15_000;
const KEPT_BYTES = 262_144;

/** What really stands for each placeholder. */
export type Secrets = Readonly<Record<keyof typeof PLACEHOLDERS, string>>;

export interface Observation {
  /** The beginning of it. */
  readonly answer: Buffer;
  readonly isClosed: boolean;
  /** It came to its end, or the hub closed the connection. */
  readonly isComplete: boolean;
  /** The connection could not be made, or its opening was not answered. */
  readonly failure: string | undefined;
}

/** Throws one input over a connection of its own, which is gone afterwards. Never rejects. */
export function throwInput(door: Door, input: Input, secrets: Secrets): Promise<Observation> {
  return new Throw(door, input, secrets).run();
}

class Throw {
  readonly #socket: Socket;
  readonly #input: Input;
  readonly #secrets: Secrets;
  readonly #parts: Buffer[] = [];
  #bytes = 0;
  #isOpen = false;
  #isClosed = false;
  #failure: string | undefined;
  #changed: () => void = () => undefined;

  constructor(door: Door, input: Input, secrets: Secrets) {
    this.#input = input;
    this.#secrets = secrets;
    this.#socket = openDoor(door, () => {
      this.#isOpen = true;
      this.#changed();
    });
    this.#socket.on("data", (part) => this.#keep(part));
    // A reset is one of the ways in which a hub may end it; not to get in is a finding.
    this.#socket.on("error", ({ message }) => {
      if (!this.#isOpen) this.#failure = `the hub takes no connections: ${message}`;
    });
    this.#socket.on("close", () => {
      this.#isClosed = true;
      this.#changed();
    });
  }

  async run(): Promise<Observation> {
    const { opening, openingEnd = "", segments, mustAnswer } = this.#input;
    await this.#until(() => this.#isOpen, OPENING_MS);
    if (!this.#isOpen) this.#failure ??= "no connection was opened";
    if (opening !== undefined) {
      this.#write(opening);
      await this.#until(() => this.#text().includes(openingEnd), OPENING_MS);
      if (!this.#text().includes(openingEnd)) this.#failure ??= "its opening was not answered";
      this.#parts.length = 0;
    }
    for (const segment of segments) {
      if (this.#isClosed) break;
      this.#write(segment);
      await setImmediate();
    }
    await this.#until(() => this.#isWhole(), mustAnswer === true ? LONG_PATIENCE_MS : PATIENCE_MS);
    const isComplete = this.#isClosed || this.#isWhole();
    this.#socket.destroy();
    return {
      answer: this.#answer(),
      isClosed: this.#isClosed,
      isComplete,
      failure: this.#failure,
    };
  }

  #write(bytes: Uint8Array): void {
    if (!this.#isClosed) this.#socket.write(withSecrets(bytes, this.#secrets));
  }

  #keep(part: Buffer): void {
    this.#bytes += part.length;
    if (this.#bytes <= KEPT_BYTES) this.#parts.push(part);
    this.#changed();
  }

  #answer(): Buffer {
    return Buffer.concat(this.#parts);
  }

  #text(): string {
    return this.#answer().toString("latin1");
  }

  #isWhole(): boolean {
    if (this.#input.end !== undefined) return this.#answer().includes(this.#input.end);
    return isWholeResponse(this.#text());
  }

  #until(isEnough: () => boolean, withinMs: number): Promise<void> {
    return new Promise((resolve) => {
      const done = (): void => {
        clearTimeout(timer);
        this.#changed = () => undefined;
        resolve();
      };
      const timer = setTimeout(done, withinMs);
      this.#changed = () => {
        if (this.#isClosed || isEnough()) done();
      };
      this.#changed();
    });
  }
}

function isWholeResponse(text: string): boolean {
  const end = text.indexOf("\r\n\r\n");
  if (end < 0) return false;
  const head = text.slice(0, end);
  const length = /content-length: *(\d+)/i.exec(head)?.[1];
  if (length !== undefined) return text.length - end - 4 >= Number(length);
  return /transfer-encoding/i.test(head) ? text.endsWith("0\r\n\r\n") : true;
}

function withSecrets(bytes: Uint8Array, secrets: Secrets): Buffer {
  let buffer = Buffer.from(bytes);
  if (!buffer.includes("@")) return buffer;
  for (const name of ["token", "apiKey", "nonce"] as const) {
    for (let at = buffer.indexOf(PLACEHOLDERS[name]); at >= 0; at = buffer.indexOf(PLACEHOLDERS[name])) {
      const after = buffer.subarray(at + PLACEHOLDERS[name].length);
      buffer = Buffer.concat([buffer.subarray(0, at), Buffer.from(secrets[name]), after]);
    }
  }
  return buffer;
}
