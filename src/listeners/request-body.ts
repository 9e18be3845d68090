import { MeshError } from "../model/errors.ts";

export interface BodyLimits {
  readonly maxBytes: number;
  /** From the first part that is not the last one to the last. */
  readonly timeoutMs: number;
}

/**
 * The body of one request as it comes in: counts while reading and keeps at most `maxBytes`. It ends once, with the
 * whole of it or with an error, whichever is first.
 */
export class RequestBody {
  /** All that came, also what was not kept. */
  receivedBytes = 0;
  /** The client sent all of it: nothing more comes. */
  isComplete = false;
  /** It was given up because it took too long. */
  isTooSlow = false;
  #limits: BodyLimits;
  #parts: Uint8Array[] = [];
  #outcome: Uint8Array | MeshError | undefined;
  #reader: { resolve(body: Uint8Array): void; reject(error: MeshError): void } | undefined;
  #promise: Promise<Uint8Array> | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** `declaredBytes`: 0 when there is no body, undefined when its length is not known. */
  constructor(limits: BodyLimits, declaredBytes: number | undefined) {
    this.#limits = limits;
    if (declaredBytes === undefined) return;
    if (declaredBytes === 0) this.push(new Uint8Array(0), true);
    else if (declaredBytes > limits.maxBytes) this.fail(tooLarge(limits.maxBytes));
  }

  /** Takes the next part; it is copied. */
  push(part: Uint8Array, isLast: boolean): void {
    this.receivedBytes += part.byteLength;
    this.isComplete = isLast;
    if (this.#outcome !== undefined) return;
    if (this.receivedBytes > this.#limits.maxBytes) {
      this.fail(tooLarge(this.#limits.maxBytes));
      return;
    }
    if (part.byteLength > 0) this.#parts.push(Buffer.from(part));
    if (isLast) this.#settle(joined(this.#parts, this.receivedBytes));
    else this.#timer ??= setTimeout(() => this.#giveUp(), this.#limits.timeoutMs);
  }

  #giveUp(): void {
    this.isTooSlow = true;
    this.fail(tooSlow());
  }

  /** Ends it with an error, unless it has ended. */
  fail(error: MeshError): void {
    if (this.#outcome === undefined) this.#settle(error);
  }

  /** Nobody wants it any more: what still comes is counted and thrown away. */
  discard(): void {
    this.fail(new MeshError("unavailable", "the body was not read before the answer"));
  }

  /** The same promise at each call. @throws MeshError too_large, unavailable */
  read(): Promise<Uint8Array> {
    this.#promise ??= this.#start();
    return this.#promise;
  }

  #start(): Promise<Uint8Array> {
    const outcome = this.#outcome;
    if (outcome instanceof MeshError) return Promise.reject(outcome);
    if (outcome !== undefined) return Promise.resolve(outcome);
    return new Promise((resolve, reject) => {
      this.#reader = { resolve, reject };
    });
  }

  #settle(outcome: Uint8Array | MeshError): void {
    this.#outcome = outcome;
    clearTimeout(this.#timer);
    this.#parts = [];
    if (outcome instanceof MeshError) this.#reader?.reject(outcome);
    else this.#reader?.resolve(outcome);
  }
}

function joined(parts: readonly Uint8Array[], totalBytes: number): Uint8Array {
  const [first] = parts;
  if (first !== undefined && parts.length === 1) return first;
  return Buffer.concat(parts, totalBytes);
}

function tooLarge(maxBytes: number): MeshError {
  return new MeshError("too_large", `the body is larger than ${maxBytes} bytes`, {
    hint: "send less at once",
  });
}

function tooSlow(): MeshError {
  return new MeshError("unavailable", "the body took too long to arrive", {
    hint: "send it again, or less at once",
  });
}

/** What a reader of the body is told when the connection ended before the body did. */
export function clientGone(): MeshError {
  return new MeshError("unavailable", "the client went away before its request was whole", {
    hint: "send it again",
  });
}
