import { CliError, cliErrorFromUnknown } from "../cli-error.ts";
import { EXIT } from "../exit-code.ts";
import { type Answer, isAnswer, objectMember, objectsMember, textMember } from "./answer.ts";
import { parseExactJson } from "./exact-json.ts";
import { errorFromDetail, type HubAccess, unreachableError } from "./hub-client.ts";
import type { InboxSource, InboxSourceOptions } from "./inbox-source.ts";
import { askForUpgrade } from "./upgrade-answer.ts";

const SUBPROTOCOL = "meshkore.v1.json";
const WELCOME_TIMEOUT_MS = 15_000;
const PING_EVERY_MS = 25_000;
/** Two unanswered pings: the connection is gone although nobody said so. */
const SILENCE_MS = 60_000;
const LAST_ACK_TIMEOUT_MS = 2000;
const PAUSE_AT_MESSAGES = 1000;
const RESUME_AT_MESSAGES = 100;
const NORMAL_CLOSE = 1000;
/** After these the hub ends the session; after others it goes on. */
const ENDING: ReadonlySet<string> = new Set(["unauthenticated", "malformed", "gap", "unavailable"]);

export interface InboxSessionOptions extends InboxSourceOptions {
  /** An error that does not end the session. */
  readonly onError: (error: CliError) => void;
}

/**
 * Opens a live session and answers when the hub has welcomed it.
 * @throws CliError `no_websocket` when the hub says that it has none, else what is wrong
 */
export async function openInboxSession(
  access: HubAccess,
  options: InboxSessionOptions,
): Promise<InboxSource> {
  const session = new InboxSession(access, options);
  try {
    await session.welcomed;
    return session;
  } catch (thrown) {
    await session.close();
    const error = cliErrorFromUnknown(thrown);
    throw error.code === "no_welcome" && !options.signal.aborted
      ? await explainRefusal(access, error)
      : error;
  }
}

async function explainRefusal(access: HubAccess, refusal: CliError): Promise<CliError> {
  try {
    const { status, detail } = await askForUpgrade(access.url, SUBPROTOCOL);
    if (status === 404 || status === 501) {
      return new CliError("the hub has no WebSocket", { exitCode: EXIT.refused, code: "no_websocket" });
    }
    return status >= 400 ? errorFromDetail(detail, status) : refusal;
  } catch (thrown) {
    return cliErrorFromUnknown(thrown);
  }
}

class InboxSession implements InboxSource {
  readonly welcomed: Promise<void>;
  readonly #socket: WebSocket;
  readonly #options: InboxSessionOptions;
  readonly #url: string;
  readonly #welcome = Promise.withResolvers<void>();
  readonly #queue: (readonly Answer[])[] = [];
  #queuedMessages = 0;
  #isPaused = false;
  #wakeReader: () => void = ignore;
  #wakeCloser: () => void = ignore;
  #ackedCursor: string | undefined;
  #sentCursor: string | undefined;
  #end: { readonly error: CliError | undefined } | undefined;
  #isFinished = false;
  #heardAtMs = performance.now();
  readonly #timers: NodeJS.Timeout[] = [];

  constructor(access: HubAccess, options: InboxSessionOptions) {
    this.#options = options;
    this.#url = access.url;
    this.welcomed = this.#welcome.promise;
    const socket = new WebSocket(`${access.url.replace(/^http/, "ws")}/ws`, SUBPROTOCOL);
    this.#socket = socket;
    socket.addEventListener("open", () => {
      this.#send({ hello: { token: access.bearer, cursor: options.cursor } });
    });
    socket.addEventListener("message", ({ data }) => this.#onFrame(data));
    socket.addEventListener("close", () => this.#finish(undefined));
    socket.addEventListener("error", () => this.#finish(undefined));
    options.signal.addEventListener("abort", this.#onAbort);
    if (options.signal.aborted) this.#onAbort();
    this.#timers.push(
      setTimeout(() => this.#finish(noWelcome(this.#url)), WELCOME_TIMEOUT_MS),
      setInterval(() => this.#checkAlive(), PING_EVERY_MS),
    );
  }

  async *batches(): AsyncGenerator<readonly Answer[]> {
    for (;;) {
      const batch = this.#queue.shift();
      if (batch !== undefined) {
        this.#queuedMessages -= batch.length;
        if (this.#isPaused && this.#queuedMessages <= RESUME_AT_MESSAGES) this.#setPaused(false);
        yield batch;
      } else if (this.#end !== undefined) {
        if (this.#end.error !== undefined) throw this.#end.error;
        return;
      } else {
        await new Promise<void>((resolve) => {
          this.#wakeReader = resolve;
        });
      }
    }
  }

  ack(cursor: string): Promise<void> {
    this.#sentCursor = cursor;
    this.#send({ ack: cursor });
    return Promise.resolve();
  }

  async close(): Promise<void> {
    if (this.#socket.readyState === WebSocket.OPEN && this.#sentCursor !== this.#ackedCursor) {
      await new Promise<void>((resolve) => {
        this.#wakeCloser = resolve;
        this.#timers.push(setTimeout(resolve, LAST_ACK_TIMEOUT_MS));
      });
    }
    this.#finish(undefined);
  }

  #onFrame(data: unknown): void {
    this.#heardAtMs = performance.now();
    const frame = readFrame(data);
    if (frame === undefined) {
      this.#finish(
        new CliError("the hub sent a frame that is no JSON object", {
          exitCode: EXIT.bug,
          code: "malformed",
        }),
      );
      return;
    }
    if (frame["welcome"] !== undefined) {
      clearTimeout(this.#timers[0]);
      this.#welcome.resolve();
    }
    this.#enqueue(objectsMember(frame, "deliver"));
    const acked = textMember(frame, "acked");
    if (acked !== undefined) this.#onAcked(acked);
    if (frame["error"] !== undefined) this.#onError(errorFromDetail(objectMember(frame, "error")));
  }

  #enqueue(messages: readonly Answer[]): void {
    if (messages.length === 0) return;
    this.#queue.push(messages);
    this.#queuedMessages += messages.length;
    if (!this.#isPaused && this.#queuedMessages >= PAUSE_AT_MESSAGES) this.#setPaused(true);
    this.#wakeReader();
  }

  #onAcked(cursor: string): void {
    this.#ackedCursor = cursor;
    if (cursor === this.#sentCursor) this.#wakeCloser();
  }

  #onError(error: CliError): void {
    if (ENDING.has(error.code)) this.#finish(error);
    else this.#options.onError(error);
  }

  #setPaused(isPaused: boolean): void {
    this.#isPaused = isPaused;
    this.#send({ flow: isPaused ? { pause: true } : { resume: true } });
  }

  #checkAlive(): void {
    if (performance.now() - this.#heardAtMs > SILENCE_MS) this.#finish(undefined);
    else this.#send({ ping: 1 });
  }

  #send(frame: Readonly<Record<string, unknown>>): void {
    if (this.#socket.readyState === WebSocket.OPEN) this.#socket.send(JSON.stringify(frame));
  }

  /** Not the end of the connection: the reader stops by itself and may still have an ack on its way. */
  readonly #onAbort = (): void => {
    this.#end ??= { error: undefined };
    this.#welcome.reject(noWelcome(this.#url));
    this.#wakeReader();
  };

  #finish(error: CliError | undefined): void {
    // Closing a socket that is still connecting raises its events at once, which lead here again.
    if (this.#isFinished) return;
    this.#isFinished = true;
    this.#end ??= { error };
    this.#welcome.reject(error ?? noWelcome(this.#url));
    for (const timer of this.#timers) clearTimeout(timer);
    this.#options.signal.removeEventListener("abort", this.#onAbort);
    if (this.#socket.readyState <= WebSocket.OPEN) this.#socket.close(NORMAL_CLOSE);
    this.#wakeReader();
    this.#wakeCloser();
  }
}

function readFrame(data: unknown): Answer | undefined {
  if (typeof data !== "string") return undefined;
  try {
    const value = parseExactJson(data);
    return isAnswer(value) ? value : undefined;
  } catch (thrown) {
    if (thrown instanceof SyntaxError) return undefined;
    throw thrown;
  }
}

function noWelcome(url: string): CliError {
  const error = unreachableError(url, undefined);
  return new CliError("the hub did not open a session", {
    exitCode: EXIT.retryable,
    code: "no_welcome",
    hint: error.hint,
  });
}

function ignore(): void {
  // Nobody waits.
}
