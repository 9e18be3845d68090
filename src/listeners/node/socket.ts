import type { Duplex } from "node:stream";
import type { WebSocket } from "ws";
import type { SocketConnection, SocketSession } from "../../ports/listener.ts";
import { fittingCloseReason, sendableCloseCode } from "../close-code.ts";
import type { FlushQueue } from "../flush-queue.ts";
import { FRAMES_PAST_FULL } from "../listener-limits.ts";

export interface SocketSettings {
  readonly maxFrameBytes: number;
  readonly highWaterBytes: number;
  readonly queue: FlushQueue;
  readonly onError: (error: unknown) => void;
}

/** A WebSocket and the stream below it. */
export interface NativeSocket {
  readonly webSocket: WebSocket;
  readonly stream: Duplex;
}

const BINARY = { binary: true, compress: false } as const;
const TEXT = { binary: false, compress: false } as const;
/** Rounds of `checkAlive` without a sign of life before the ping, and before the cut. */
const PING_AFTER_ROUNDS = 1;
export const CUT_AFTER_ROUNDS = 2;

/** One WebSocket. Sends are queued and written in one go at the end of the turn of the event loop. */
export class NodeSocket implements SocketConnection {
  readonly remoteAddress: string;
  readonly #settings: SocketSettings;
  #native: NativeSocket | undefined;
  #session: SocketSession | undefined;
  #outbox: (Uint8Array | string)[] = [];
  #queuedBytes = 0;
  #isFull = false;
  #isQueued = false;
  #ending: { readonly code: number; readonly reason: string } | undefined;
  #silentRounds = 0;
  readonly #written = () => this.#resumeWhenDrained();

  constructor(settings: SocketSettings, remoteAddress: string) {
    this.#settings = settings;
    this.remoteAddress = remoteAddress;
  }

  send(frame: Uint8Array | string): "ready" | "full" | "closed" {
    if (this.#native === undefined || this.#ending !== undefined) return "closed";
    this.#outbox.push(frame);
    this.#queuedBytes += frame.length;
    this.#flushSoon();
    if (this.#unsentBytes() <= this.#settings.highWaterBytes) return "ready";
    this.#isFull = true;
    return "full";
  }

  close(code: number, reason: string): void {
    if (this.#native === undefined || this.#ending !== undefined) return;
    this.#ending = { code: sendableCloseCode(code), reason: fittingCloseReason(reason) };
    this.#flushSoon();
  }

  opened(native: NativeSocket, openSession: (connection: SocketConnection) => SocketSession): void {
    this.#native = native;
    this.#guard(() => {
      this.#session = openSession(this);
    });
  }

  received(data: Uint8Array, isBinary: boolean): void {
    this.#silentRounds = 0;
    if (this.#session === undefined || this.#ending !== undefined) return;
    try {
      this.#session.message(data, isBinary);
    } catch (error) {
      this.#sessionFailed(error);
    }
  }

  /** The other side is there. */
  heard(): void {
    this.#silentRounds = 0;
  }

  /** To be called at regular times: pings a silent client, and cuts one that does not answer. */
  checkAlive(): void {
    if (this.#silentRounds >= CUT_AFTER_ROUNDS) this.#native?.webSocket.terminate();
    else if (this.#silentRounds >= PING_AFTER_ROUNDS) this.#native?.webSocket.ping();
    this.#silentRounds += 1;
  }

  /** The connection is over, or about to be: nothing is sent or told any more. */
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
    this.#writeOutbox(native);
    if (native.webSocket.bufferedAmount > this.#mostBytes()) native.webSocket.terminate();
    else if (this.#ending !== undefined) {
      native.webSocket.close(this.#ending.code, this.#ending.reason);
      this.closed();
    } else this.#resumeWhenDrained();
  }

  /** All frames leave in one system call; only the last one tells when it is out. */
  #writeOutbox({ webSocket, stream }: NativeSocket): void {
    const last = this.#outbox.length - 1;
    if (last < 0) return;
    stream.cork();
    for (const [at, frame] of this.#outbox.entries()) {
      webSocket.send(
        frame,
        typeof frame === "string" ? TEXT : BINARY,
        at === last ? this.#written : undefined,
      );
    }
    stream.uncork();
    this.#outbox.length = 0;
    this.#queuedBytes = 0;
  }

  #unsentBytes(): number {
    return this.#queuedBytes + (this.#native?.webSocket.bufferedAmount ?? 0);
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
    if (!this.#isFull || this.#native === undefined || this.#ending !== undefined) return;
    if (this.#unsentBytes() > this.#settings.highWaterBytes / 2) return;
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
