import { setTimeout as sleep } from "node:timers/promises";
import { CliError, cliErrorFromUnknown } from "../cli-error.ts";
import { EXIT } from "../exit-code.ts";
import { type Answer, textMember } from "./answer.ts";
import { backOffMs } from "./back-off.ts";
import type { HubAccess } from "./hub-client.ts";
import { createInboxPoll } from "./inbox-poll.ts";
import { openInboxSession } from "./inbox-session.ts";
import type { InboxSource } from "./inbox-source.ts";

export interface FollowOptions {
  /** After this; undefined = after the committed ack. */
  readonly cursor: string | undefined;
  /** Ends after so many messages. */
  readonly limit: number;
  readonly acks: boolean;
  /** Ends when aborted, after the batch that is being shown. */
  readonly signal: AbortSignal;
  /** Answers when the messages are out; only then are they acknowledged. */
  readonly show: (messages: readonly Answer[]) => Promise<void>;
  readonly warn: (code: string, message: string) => Promise<void>;
  readonly backOff?: (attempt: number) => number;
}

/**
 * Shows what comes in until the limit or the signal. Once it was connected it comes back after every loss of the
 * hub, after the last message shown, so nothing is left out and nothing is shown twice.
 * @throws CliError when the first connection fails, or a repeat cannot help
 */
export async function followInbox(access: HubAccess, options: FollowOptions): Promise<void> {
  const follower = new Follower(access, options);
  await follower.run();
}

class Follower {
  readonly #access: HubAccess;
  readonly #options: FollowOptions;
  #cursor: string | undefined;
  #left: number;
  #hasWebSocket = true;
  #wasConnected = false;
  #skippedGap = false;
  #attempt = 0;

  constructor(access: HubAccess, options: FollowOptions) {
    this.#access = access;
    this.#options = options;
    this.#cursor = options.cursor;
    this.#left = options.limit;
  }

  async run(): Promise<void> {
    const { signal, warn } = this.#options;
    while (!signal.aborted && this.#left > 0) {
      const error = await this.#followOnce();
      if (signal.aborted || this.#left === 0) return;
      if (error !== undefined && !(await this.#canGoOn(error))) throw error;
      if (this.#attempt === 0)
        await warn("reconnecting", `lost the hub, reconnecting: ${error?.message ?? "closed"}`);
      await this.#pause(error?.retryAfterS);
    }
  }

  /** Answers with why the source ended; undefined = the connection was just gone. */
  async #followOnce(): Promise<CliError | undefined> {
    let source: InboxSource | undefined;
    try {
      source = await this.#open();
      for await (const batch of source.batches()) {
        this.#wasConnected = true;
        await this.#take(source, batch);
        if (this.#left === 0 || this.#options.signal.aborted) return undefined;
      }
      return undefined;
    } catch (thrown) {
      if (!(thrown instanceof CliError)) throw thrown;
      return thrown;
    } finally {
      await source?.close();
    }
  }

  async #open(): Promise<InboxSource> {
    const { signal, warn } = this.#options;
    const options = { cursor: this.#cursor, signal };
    if (this.#hasWebSocket) {
      try {
        const onError = (error: CliError): void => void warn(error.code, error.message).catch(ignore);
        const source = await openInboxSession(this.#access, { ...options, onError });
        this.#wasConnected = true;
        this.#attempt = 0;
        return source;
      } catch (thrown) {
        const error = cliErrorFromUnknown(thrown);
        if (error.code !== "no_websocket") throw error;
        this.#hasWebSocket = false;
        // It answered, so from here on a loss is a loss and not a wrong URL.
        this.#wasConnected = true;
        await warn("no_websocket", "the hub has no WebSocket; asking it again and again instead");
      }
    }
    return createInboxPoll(this.#access, options);
  }

  async #take(source: InboxSource, batch: readonly Answer[]): Promise<void> {
    const taken = batch.slice(0, this.#left);
    const last = taken.at(-1);
    await this.#options.show(taken);
    this.#left -= taken.length;
    this.#attempt = 0;
    const cursor = last === undefined ? undefined : textMember(last, "cursor");
    if (cursor === undefined) return;
    this.#cursor = cursor;
    if (this.#options.acks) await source.ack(cursor);
  }

  async #canGoOn(error: CliError): Promise<boolean> {
    if (error.code === "gap" && this.#wasConnected && !this.#skippedGap) {
      this.#skippedGap = true;
      this.#cursor = undefined;
      await this.#options.warn("gap", "some messages are gone from the hub; going on with the next ones");
      return true;
    }
    return this.#wasConnected && error.exitCode === EXIT.retryable;
  }

  async #pause(retryAfterS: number | undefined): Promise<void> {
    const backOff = this.#options.backOff ?? backOffMs;
    const pauseMs = Math.max((retryAfterS ?? 0) * 1000, backOff(this.#attempt++));
    try {
      await sleep(pauseMs, undefined, { signal: this.#options.signal });
    } catch (thrown) {
      // Aborted: the loop sees it.
      if (!this.#options.signal.aborted) throw thrown;
    }
  }
}

function ignore(): void {
  // Nobody reads stderr any more.
}
