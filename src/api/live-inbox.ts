import { endFromReason, PulledQueue } from "../core/pulled-queue.ts";
import { MeshError } from "../model/errors.ts";
import type { Position } from "../model/position.ts";
import type { Call } from "../model/principal.ts";
import type { LogRecord } from "../ports/message-log.ts";
import type { CloseReason, Sink, SinkState } from "../ports/sink.ts";
import { endOfFitting } from "./fitting.ts";
import type { AttachInput, Attachment, RelayApi } from "./relay-api.ts";

/** Of the records of one batch together, unless one record alone is larger. */
const BATCH_BYTES = 65_536;

/**
 * The caller's inbox, followed live, in batches that the reader pulls: what it does not pull stays in the log, but for
 * one page. Ends without an error when the caller went away or `close` was called; otherwise `next` throws
 * MeshError gap, unauthenticated when the credential ended, or unavailable when the hub stops.
 */
export interface LiveInbox extends AsyncIterableIterator<readonly LogRecord[], undefined> {
  /** Where delivery starts: nothing up to here comes. */
  readonly start: Position;
  /** Ends the delivery. Whoever opened the inbox sees to it that this, or `return`, is called. */
  close(): void;
}

/**
 * Attaches to the caller's inbox.
 * @throws MeshError unauthenticated, permission_denied, gap, invalid_argument, rate_limited, unavailable
 */
export async function openLiveInbox(
  relay: Pick<RelayApi, "attach">,
  call: Call,
  input: AttachInput,
): Promise<LiveInbox> {
  const inbox = new PulledInbox();
  const attachment = await relay.attach(call, input, inbox);
  inbox.begin(attachment, call);
  return inbox;
}

class PulledInbox implements LiveInbox, Sink {
  start: Position = { epoch: 0, offset: 0 };
  #attachment: Attachment | undefined;
  #signal: AbortSignal | undefined;
  #resume: () => void = () => undefined;
  readonly #queue = new PulledQueue<LogRecord>();
  #isFull = false;
  readonly #callerWentAway = (): void => this.close();

  begin(attachment: Attachment, call: Call): void {
    this.#attachment = attachment;
    this.start = attachment.start;
    if (this.#queue.isOver) attachment.detach();
    this.#signal = call.signal;
    call.signal.addEventListener("abort", this.#callerWentAway, { once: true });
    if (call.signal.aborted) this.close();
  }

  write(records: readonly LogRecord[]): SinkState {
    if (this.#queue.isOver) return "closed";
    const { isAwaited } = this.#queue;
    this.#queue.add(records);
    // To a reader that waits, what comes next can be handed without asking the log for it.
    this.#isFull = !isAwaited;
    return isAwaited ? "ready" : "full";
  }

  onReady(resume: () => void): void {
    this.#resume = resume;
  }

  /** By the pump, with a reason; by whoever reads, without. */
  close(reason?: CloseReason): void {
    if (this.#queue.isOver) return;
    const { error, keepsHeld } = endFromReason(reason, {
      gap: inboxGap(),
      again: "attach again",
      what: "the delivery",
    });
    if (!keepsHeld) this.#queue.drop();
    // First: what follows may close it again.
    this.#queue.end(error);
    this.#signal?.removeEventListener("abort", this.#callerWentAway);
    this.#attachment?.detach();
  }

  async next(): Promise<IteratorResult<readonly LogRecord[], undefined>> {
    if (await this.#queue.untilHeld()) return { done: false, value: this.#take() };
    return { done: true, value: undefined };
  }

  async return(): Promise<IteratorResult<readonly LogRecord[], undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): readonly LogRecord[] {
    const batch = this.#queue.take(Math.max(1, endOfFitting(this.#queue.held, 0, BATCH_BYTES)));
    if (this.#queue.held.length === 0 && this.#isFull) {
      this.#isFull = false;
      this.#resume();
    }
    return batch;
  }
}

function inboxGap(): MeshError {
  return new MeshError("gap", "what comes next is gone", {
    hint: "attach again without a cursor: what there is comes",
  });
}
