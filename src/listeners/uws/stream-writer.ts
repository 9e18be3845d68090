import type { HttpResponse as NativeResponse } from "./uws.d.ts";

/**
 * Writes the parts of a body as they come to be: the next one is asked for when the kernel took enough of those
 * before. Holds the native response only until it ended or the client went away.
 */
export class StreamWriter {
  #native: NativeResponse | undefined;
  readonly #parts: AsyncIterator<Uint8Array>;
  #whenWritable: (() => void) | undefined;

  readonly #requestIsOver: () => Promise<boolean>;

  /** The head must have been written. `requestIsOver`: awaited before the end; when it is not, the connection is cut. */
  constructor(
    native: NativeResponse,
    body: AsyncIterable<Uint8Array>,
    requestIsOver: () => Promise<boolean>,
  ) {
    this.#native = native;
    this.#requestIsOver = requestIsOver;
    this.#parts = body[Symbol.asyncIterator]();
    native.onWritable(() => {
      // Who is called here has to send what the native side holds: it does so only with something new, or with a cork,
      // and calls again only when some of it was held back once more. The last part of a page may have nothing behind it.
      native.cork(nothing);
      this.#goOn();
      return true;
    });
  }

  /** Settles when the response is over, whichever way. @throws what the body throws; the connection is cut then */
  async run(): Promise<void> {
    try {
      for (;;) {
        const { done, value } = await this.#parts.next();
        const native = this.#native;
        if (native === undefined) return;
        if (done === true) return await this.#end();
        // An empty chunk would end a chunked body.
        if (value.byteLength > 0 && !this.#write(native, value)) await this.#untilWritable();
      }
    } catch (error) {
      this.#native?.close();
      throw error;
    }
  }

  /** The client went away: the native response must not be touched any more. */
  gone(): void {
    this.#native = undefined;
    this.#goOn();
    // A generator that waits runs its `finally` when what it waits for comes: it watches the request's signal too.
    this.#parts.return?.().then(undefined, () => undefined);
  }

  async #end(): Promise<void> {
    const isOver = await this.#requestIsOver();
    const native = this.#native;
    this.#native = undefined;
    if (isOver) native?.cork(() => native.end());
    else native?.close();
  }

  #write(native: NativeResponse, part: Uint8Array): boolean {
    let isTaken = true;
    native.cork(() => {
      isTaken = native.write(part);
    });
    return isTaken;
  }

  #untilWritable(): Promise<void> {
    return new Promise((resolve) => {
      this.#whenWritable = resolve;
    });
  }

  #goOn(): void {
    const resume = this.#whenWritable;
    this.#whenWritable = undefined;
    resume?.();
  }
}

function nothing(): void {
  return;
}
