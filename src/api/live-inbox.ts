import { MeshError } from "../model/errors.ts";
import { hubIsStopping } from "../model/hub-stopping.ts";
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
  #held: readonly LogRecord[] = [];
  #isFull = false;
  #wakeReader: (() => void) | undefined;
  /** How it ended: undefined = it goes on. */
  #end: { readonly error: MeshError | undefined } | undefined;
  readonly #callerWentAway = (): void => this.close();

  begin(attachment: Attachment, call: Call): void {
    this.#attachment = attachment;
    this.start = attachment.start;
    if (this.#end !== undefined) attachment.detach();
    this.#signal = call.signal;
    call.signal.addEventListener("abort", this.#callerWentAway, { once: true });
    if (call.signal.aborted) this.close();
  }

  write(records: readonly LogRecord[]): SinkState {
    if (this.#end !== undefined) return "closed";
    const isAwaited = this.#wakeReader !== undefined;
    this.#held = this.#held.length === 0 ? records : [...this.#held, ...records];
    this.#wake();
    // To a reader that waits, what comes next can be handed without asking the log for it.
    this.#isFull = !isAwaited;
    return isAwaited ? "ready" : "full";
  }

  onReady(resume: () => void): void {
    this.#resume = resume;
  }

  /** By the pump, with a reason; by whoever reads, without. */
  close(reason?: CloseReason): void {
    if (this.#end !== undefined) return;
    const error = reason === undefined ? undefined : errorFromReason(reason);
    this.#end = { error };
    // Up to a gap or the hub's stop all is well; whose credential ended, or who went away, gets nothing more.
    if (reason !== "gap" && reason !== "draining") this.#held = [];
    this.#signal?.removeEventListener("abort", this.#callerWentAway);
    this.#attachment?.detach();
    this.#wake();
  }

  async next(): Promise<IteratorResult<readonly LogRecord[], undefined>> {
    while (this.#held.length === 0) {
      if (this.#end?.error !== undefined) throw this.#end.error;
      if (this.#end !== undefined) return { done: true, value: undefined };
      await new Promise<void>((resolve) => {
        this.#wakeReader = resolve;
      });
    }
    return { done: false, value: this.#take() };
  }

  async return(): Promise<IteratorResult<readonly LogRecord[], undefined>> {
    this.close();
    return { done: true, value: undefined };
  }

  [Symbol.asyncIterator](): this {
    return this;
  }

  #take(): readonly LogRecord[] {
    const end = Math.max(1, endOfFitting(this.#held, 0, BATCH_BYTES));
    const batch = this.#held.slice(0, end);
    this.#held = this.#held.slice(end);
    if (this.#held.length === 0 && this.#isFull) {
      this.#isFull = false;
      this.#resume();
    }
    return batch;
  }

  #wake(): void {
    const wake = this.#wakeReader;
    this.#wakeReader = undefined;
    wake?.();
  }
}

function errorFromReason(reason: CloseReason): MeshError | undefined {
  if (reason === "gap") {
    return new MeshError("gap", "what comes next is gone", {
      hint: "attach again without a cursor: what there is comes",
    });
  }
  if (reason === "draining") {
    return hubIsStopping("attach again");
  }
  if (reason === "closed") return undefined;
  return new MeshError("unauthenticated", `the delivery ended: ${reason}`, {
    hint: "call again with a valid token",
  });
}
