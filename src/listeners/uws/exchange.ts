import { setImmediate } from "node:timers/promises";
import type { HttpHandler, HttpRequest, StreamedResponse, WholeResponse } from "../../ports/listener.ts";
import { DRAIN_FACTOR, DRAIN_MS } from "../listener-limits.ts";
import { clientGone, RequestBody } from "../request-body.ts";
import type { RequestHead } from "../request-head.ts";
import { INTERNAL_RESPONSE } from "../response-head.ts";
import { isHeadOnly, isWhole, withoutBody } from "../whole-response.ts";
import { StreamWriter } from "./stream-writer.ts";
import type { HttpResponse as NativeResponse } from "./uws.d.ts";
import { writeLast, writeResponse, writeStreamHead, writeUnended } from "./write-response.ts";

export interface ExchangeLimits {
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  /** Whether connections go on after their answer. */
  readonly isAccepting: () => boolean;
}

/**
 * One request and its answer. Holds the native response only as long as it may be touched: until it has ended or
 * the client went away.
 */
export class UwsExchange implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly remoteAddress: string;
  #native: NativeResponse | undefined;
  #body: RequestBody;
  #limits: ExchangeLimits;
  #declaredBytes: number | undefined;
  #abort: AbortController | undefined;
  #isGone = false;
  #drainTimer: NodeJS.Timeout | undefined;
  #stream: StreamWriter | undefined;
  #whenBodyIsOver: (() => void) | undefined;

  constructor(
    native: NativeResponse,
    head: RequestHead,
    limits: ExchangeLimits,
    declaredBytes: number | undefined,
  ) {
    this.method = head.method;
    this.path = head.path;
    this.query = head.query;
    this.headers = head.headers;
    this.remoteAddress = head.remoteAddress;
    this.#native = native;
    this.#limits = limits;
    this.#declaredBytes = declaredBytes;
    this.#body = new RequestBody(
      { maxBytes: limits.maxBodyBytes, timeoutMs: limits.bodyTimeoutMs },
      declaredBytes,
    );
    native.onAborted(() => this.#clientWentAway());
    if (this.#mayRead()) native.onData((chunk, isLast) => this.#take(new Uint8Array(chunk), isLast));
    else this.#body.discard();
  }

  /** Made at the first use: most handlers never ask for it. */
  get signal(): AbortSignal {
    if (this.#abort === undefined) {
      this.#abort = new AbortController();
      if (this.#isGone) this.#abort.abort(clientGone());
    }
    return this.#abort.signal;
  }

  body(): Promise<Uint8Array> {
    return this.#body.read();
  }

  /** Lets the handler answer and writes the answer. Never rejects. */
  async run(handler: HttpHandler, onError: (error: unknown) => void): Promise<void> {
    try {
      const response = await handler(this);
      // The rest of a body may stand in the very bytes that the native side is handing out now.
      if (!this.#body.isComplete) await setImmediate();
      if (isWhole(response)) this.#answer(response);
      else if (isHeadOnly(this.method, response.status)) this.#answer(withoutBody(response));
      else await this.#answerInParts(response);
    } catch (error) {
      onError(error);
      // After the head of a stream nothing can be told any more: the stream's end cut the connection.
      if (this.#stream === undefined) this.#answer(INTERNAL_RESPONSE);
    }
  }

  async #answerInParts(response: StreamedResponse): Promise<void> {
    const native = this.#native;
    if (native === undefined) {
      await response.body[Symbol.asyncIterator]().return?.();
      return;
    }
    writeStreamHead(native, response, this.#isLastOfConnection());
    this.#stream = new StreamWriter(native, response.body, () => this.#requestIsOver());
    this.#body.discard();
    try {
      await this.#stream.run();
    } finally {
      this.#finish();
    }
  }

  #answer(response: WholeResponse): void {
    const native = this.#native;
    if (native === undefined) return;
    if (this.#body.isTooSlow) {
      writeLast(native, response);
      this.#finish();
    } else if (this.#mayRead()) {
      const isLast = this.#endsConnection() || this.#isLastOfConnection();
      writeUnended(native, response, isLast);
      const withinMs = isLast ? DRAIN_MS : this.#limits.bodyTimeoutMs;
      this.#drainTimer = setTimeout(() => this.#endDrained(this.#endsConnection()), withinMs);
    } else {
      const options = { isHead: this.method === "HEAD", lastOfConnection: this.#isLastOfConnection() };
      if (writeResponse(native, response, options, () => this.#finish())) this.#finish();
    }
    this.#body.discard();
  }

  /**
   * Without a handler for data the native side throws the body away, and cuts the connection 10 s after the answer.
   * With one it drops its time limit when the body is over: after an answer that came before that, for good.
   * So only such bodies are looked at, of which the answer waits for the end before it ends itself. The other reason
   * to wait: on a request that says `connection: close` the native side closes at once after the answer, and a client
   * that still sends gets a reset then instead.
   */
  #mayRead(): boolean {
    if (this.#body.isComplete || this.method === "HEAD") return false;
    const mayFit = (this.#declaredBytes ?? 0) <= this.#limits.maxBodyBytes;
    return mayFit || this.#endsConnection();
  }

  #endsConnection(): boolean {
    return this.headers.get("connection")?.toLowerCase().includes("close") ?? false;
  }

  #isLastOfConnection(): boolean {
    return !this.#limits.isAccepting() || this.#hasUnboundedRest();
  }

  #hasUnboundedRest(): boolean {
    if (this.#body.isComplete) return false;
    return (this.#declaredBytes ?? Number.POSITIVE_INFINITY) > DRAIN_FACTOR * this.#limits.maxBodyBytes;
  }

  #take(part: Uint8Array, isLast: boolean): void {
    this.#body.push(part, isLast);
    if (isLast) this.#whenBodyIsOver?.();
    if (this.#drainTimer === undefined) return;
    const isEnough = this.#body.receivedBytes >= DRAIN_FACTOR * this.#limits.maxBodyBytes;
    if (isLast || isEnough) this.#endDrained(isLast || this.#endsConnection());
  }

  /** The client has got the whole answer, but maybe not its end. */
  #endDrained(isClean: boolean): void {
    const native = this.#native;
    this.#finish();
    if (isClean) native?.cork(() => native.end());
    else native?.close();
  }

  /** At the end of an answer in parts: waits for the rest of the request, but not for long. */
  async #requestIsOver(): Promise<boolean> {
    if (this.#body.isComplete || !this.#mayRead()) return true;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#whenBodyIsOver = resolve;
    const timer = setTimeout(resolve, DRAIN_MS);
    await promise;
    clearTimeout(timer);
    return this.#body.isComplete;
  }

  #finish(): void {
    clearTimeout(this.#drainTimer);
    this.#native = undefined;
  }

  #clientWentAway(): void {
    this.#finish();
    this.#isGone = true;
    this.#body.fail(clientGone());
    this.#abort?.abort(clientGone());
    this.#stream?.gone();
  }
}
