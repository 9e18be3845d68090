import type { IncomingMessage, ServerResponse } from "node:http";
import type { HttpHandler, HttpRequest, StreamedResponse, WholeResponse } from "../../ports/listener.ts";
import { DRAIN_FACTOR, DRAIN_MS } from "../listener-limits.ts";
import { clientGone, RequestBody } from "../request-body.ts";
import type { RequestHead } from "../request-head.ts";
import { INTERNAL_RESPONSE } from "../response-head.ts";
import { isHeadOnly, isWhole, withoutBody } from "../whole-response.ts";
import { writeParts } from "./write-parts.ts";
import { cutWhenStalled, writeHead, writeWhole } from "./write-response.ts";

export interface ExchangeSettings {
  readonly maxBodyBytes: number;
  readonly bodyTimeoutMs: number;
  /** Whether connections go on after their answer. */
  readonly isAccepting: () => boolean;
}

/** One request and its answer. */
export class NodeExchange implements HttpRequest {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly remoteAddress: string;
  readonly #response: ServerResponse;
  readonly #settings: ExchangeSettings;
  readonly #declaredBytes: number | undefined;
  readonly #body: RequestBody;
  #abort: AbortController | undefined;
  #isGone = false;
  #drainTimer: NodeJS.Timeout | undefined;
  #parts: AsyncIterator<Uint8Array> | undefined;

  constructor(
    message: IncomingMessage,
    response: ServerResponse,
    { head, declaredBytes }: { readonly head: RequestHead; readonly declaredBytes: number | undefined },
    settings: ExchangeSettings,
  ) {
    this.method = head.method;
    this.path = head.path;
    this.query = head.query;
    this.headers = head.headers;
    this.remoteAddress = head.remoteAddress;
    this.#response = response;
    this.#settings = settings;
    this.#declaredBytes = declaredBytes;
    this.#body = new RequestBody(
      { maxBytes: settings.maxBodyBytes, timeoutMs: settings.bodyTimeoutMs },
      declaredBytes,
    );
    if (declaredBytes !== 0) {
      message.on("data", (part: Buffer) => this.#take(part));
      message.on("end", () => this.#takeEnd());
    }
    response.on("close", () => {
      if (!response.writableFinished) this.#clientWentAway();
      clearTimeout(this.#drainTimer);
    });
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
      if (isWhole(response)) this.#answer(response);
      else if (isHeadOnly(this.method, response.status)) this.#answer(withoutBody(response));
      else await this.#answerInParts(response);
    } catch (error) {
      onError(error);
      if (this.#response.headersSent) this.#response.destroy();
      else this.#answer(INTERNAL_RESPONSE);
    }
  }

  async #answerInParts(response: StreamedResponse): Promise<void> {
    const parts = response.body[Symbol.asyncIterator]();
    if (this.#isGone) {
      await parts.return?.();
      return;
    }
    writeHead(this.#response, response, this.#isLastOfConnection());
    this.#response.flushHeaders();
    this.#parts = parts;
    this.#body.discard();
    await writeParts(this.#response, parts);
  }

  #answer(response: WholeResponse): void {
    if (this.#isGone) return;
    const isLast = this.#isLastOfConnection();
    // Node closes at once after the last answer. A client that still sends then gets a reset instead of that answer.
    const mustDrain = !this.#body.isComplete && (isLast || !this.#response.shouldKeepAlive);
    writeWhole(this.#response, response, { isHead: this.method === "HEAD", isLast, isEnded: !mustDrain });
    this.#body.discard();
    if (mustDrain) this.#drainTimer = setTimeout(() => this.#endDrained(), DRAIN_MS);
    else cutWhenStalled(this.#response);
  }

  #isLastOfConnection(): boolean {
    return !this.#settings.isAccepting() || this.#hasUnboundedRest();
  }

  #hasUnboundedRest(): boolean {
    if (this.#body.isComplete) return false;
    return (this.#declaredBytes ?? Number.POSITIVE_INFINITY) > DRAIN_FACTOR * this.#settings.maxBodyBytes;
  }

  #take(part: Buffer): void {
    const isLast = this.#body.receivedBytes + part.length === this.#declaredBytes;
    this.#body.push(part, isLast);
    if (this.#drainTimer === undefined) return;
    const isEnough = this.#body.receivedBytes >= DRAIN_FACTOR * this.#settings.maxBodyBytes;
    if (isLast || isEnough) this.#endDrained();
  }

  /** Of a body in chunks, the end comes by itself. */
  #takeEnd(): void {
    if (!this.#body.isComplete) this.#body.push(NOTHING, true);
    if (this.#drainTimer !== undefined) this.#endDrained();
  }

  #endDrained(): void {
    clearTimeout(this.#drainTimer);
    this.#drainTimer = undefined;
    this.#response.end();
    cutWhenStalled(this.#response);
  }

  #clientWentAway(): void {
    this.#isGone = true;
    this.#body.fail(clientGone());
    this.#abort?.abort(clientGone());
    // A generator that waits runs its `finally` when what it waits for comes: it watches the request's signal too.
    this.#parts?.return?.().then(undefined, () => undefined);
  }
}

const NOTHING = new Uint8Array(0);
