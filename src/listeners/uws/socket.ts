import type { SocketConnection, SocketSession } from "../../ports/listener.ts";
import { fittingCloseReason, sendableCloseCode } from "../close-code.ts";
import type { FlushQueue } from "../flush-queue.ts";
import { FRAMES_PAST_FULL } from "../listener-limits.ts";
import type { WebSocket } from "./uws.d.ts";

/** What hangs on a native socket. */
export interface SocketLink {
  readonly socket: UwsSocket;
}

export interface SocketSettings {
  readonly maxFrameBytes: number;
  readonly highWaterBytes: number;
  readonly queue: FlushQueue;
  readonly onError: (error: unknown) => void;
}

/**
 * One WebSocket. Sends are queued and written in one go at the end of the turn of the event loop. The native socket
 * is held only while it may be touched: any use after its close throws.
 */
export class UwsSocket implements SocketConnection {
  readonly remoteAddress: string;
  #settings: SocketSettings;
  /** Only until it was called: what it holds of the upgrade is of no use afterwards. */
  #openSession: ((connection: SocketConnection) => SocketSession) | undefined;
  #native: WebSocket<SocketLink> | undefined;
  #session: SocketSession | undefined;
  #outbox: (Uint8Array | string)[] = [];
  #queuedBytes = 0;
  /** Taken by the native side but not yet by the kernel, as of the last flush or drain. */
  #bufferedBytes = 0;
  #isFull = false;
  #isQueued = false;
  #ending: { readonly code: number; readonly reason: string } | undefined;

  constructor(
    settings: SocketSettings,
    remoteAddress: string,
    openSession: (connection: SocketConnection) => SocketSession,
  ) {
    this.#settings = settings;
    this.remoteAddress = remoteAddress;
    this.#openSession = openSession;
  }

  send(frame: Uint8Array | string): "ready" | "full" | "closed" {
    if (this.#native === undefined || this.#ending !== undefined) return "closed";
    this.#outbox.push(frame);
    this.#queuedBytes += frame.length;
    this.#flushSoon();
    if (this.#queuedBytes + this.#bufferedBytes <= this.#settings.highWaterBytes) return "ready";
    this.#isFull = true;
    return "full";
  }

  close(code: number, reason: string): void {
    if (this.#native === undefined || this.#ending !== undefined) return;
    this.#ending = { code: sendableCloseCode(code), reason: fittingCloseReason(reason) };
    this.#flushSoon();
  }

  /** The native side is open. */
  opened(native: WebSocket<SocketLink>): void {
    this.#native = native;
    this.#guard(() => {
      this.#session = this.#openSession?.(this);
      this.#openSession = undefined;
    });
  }

  /** `frame` is the native side's own memory, valid during the call. */
  received(frame: ArrayBuffer, isBinary: boolean): void {
    if (this.#session === undefined || this.#ending !== undefined) return;
    if (frame.byteLength > this.#settings.maxFrameBytes) {
      this.close(1009, `a frame may have ${this.#settings.maxFrameBytes} bytes`);
      return;
    }
    const data = Buffer.from(new Uint8Array(frame));
    try {
      this.#session.message(data, isBinary);
    } catch (error) {
      this.#sessionFailed(error);
    }
  }

  /** The kernel took some of what was buffered. */
  writable(): void {
    if (this.#native === undefined) return;
    this.#bufferedBytes = this.#native.getBufferedAmount();
    this.#resumeWhenDrained();
  }

  /** The native socket is gone. */
  closed(): void {
    this.#native = undefined;
    this.#outbox = [];
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) this.#guard(() => session.closed());
  }

  flush(): void {
    this.#isQueued = false;
    const native = this.#native;
    if (native === undefined) return;
    if (this.#outbox.length > 1) native.cork(() => this.#writeOutbox());
    else this.#writeOutbox();
    this.#bufferedBytes = native.getBufferedAmount();
    if (this.#bufferedBytes > this.#mostBytes()) native.close();
    else if (this.#ending !== undefined) native.end(this.#ending.code, this.#ending.reason);
    else this.#resumeWhenDrained();
  }

  #writeOutbox(): void {
    for (const frame of this.#outbox) this.#native?.send(frame, typeof frame !== "string", false);
    this.#outbox.length = 0;
    this.#queuedBytes = 0;
  }

  #mostBytes(): number {
    return this.#settings.highWaterBytes + FRAMES_PAST_FULL * this.#settings.maxFrameBytes;
  }

  #flushSoon(): void {
    if (this.#isQueued) return;
    this.#isQueued = true;
    this.#settings.queue.add(this);
  }

  #resumeWhenDrained(): void {
    if (!this.#isFull || this.#ending !== undefined) return;
    if (this.#queuedBytes + this.#bufferedBytes > this.#settings.highWaterBytes / 2) return;
    this.#isFull = false;
    this.#guard(() => this.#session?.drained());
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#sessionFailed(error);
    }
  }

  #sessionFailed(error: unknown): void {
    this.#settings.onError(error);
    this.close(1011, "the hub failed to handle this session");
  }
}
