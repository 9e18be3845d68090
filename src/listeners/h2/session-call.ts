import { type handleBidiStreamingCall, Metadata, type ServerDuplexStream } from "@grpc/grpc-js";
import type { SocketConnection, SocketSession } from "../../ports/listener.ts";
import type { SessionRpc } from "../../ports/rpc.ts";
import type { CallDeps } from "./call-deps.ts";
import { statusFromClose } from "./call-status.ts";
import { bufferOver } from "./message-codec.ts";

type Duplex = ServerDuplexStream<Buffer, Buffer>;

/** Unsent messages past the high water before the call is cut. */
const MESSAGES_PAST_FULL = 4;
/** A client that does not take the end of its session is cut. */
const END_MS = 10_000;

/**
 * Serves one method of frames in both directions. `cutOf` is called at once for each call: it gives the way to end it
 * without a goodbye.
 */
export function sessionHandler(
  rpc: SessionRpc,
  deps: CallDeps,
  cutOf: () => () => void,
): handleBidiStreamingCall<Buffer, Buffer> {
  return (call) => {
    const cut = cutOf();
    const { remoteAddress, ...context } = deps.contextOf(call);
    const connection = new CallConnection(call, { deps, remoteAddress, cut });
    connection.begin(() => rpc.open(connection, { ...context, remoteAddress }));
  };
}

interface CallSurroundings {
  readonly deps: CallDeps;
  readonly remoteAddress: string;
  readonly cut: () => void;
}

/** A call as the session sees it: the same as a WebSocket. */
class CallConnection implements SocketConnection {
  readonly remoteAddress: string;
  readonly #call: Duplex;
  readonly #deps: CallDeps;
  readonly #cut: () => void;
  readonly #ended: () => void;
  #session: SocketSession | undefined;
  /** Lengths of the messages that the connection has not taken yet, oldest first. */
  readonly #unsent: number[] = [];
  #unsentBytes = 0;
  #isFull = false;
  #isEnding = false;
  #isGone = false;
  readonly #messageLeft = (): void => this.#left();

  constructor(call: Duplex, { deps, remoteAddress, cut }: CallSurroundings) {
    this.#call = call;
    this.#deps = deps;
    this.#cut = cut;
    this.remoteAddress = remoteAddress;
    this.#ended = deps.calls.begin();
  }

  begin(open: () => SocketSession): void {
    const call = this.#call;
    this.#guard(() => {
      this.#session = open();
    });
    call.on("data", (data: Buffer) => this.#received(data));
    call.on("end", () => this.#finished());
    call.on("cancelled", () => this.#gone());
    // The client shall see that the session is there before it says something.
    call.sendMetadata(new Metadata());
  }

  send(frame: Uint8Array | string): "ready" | "full" | "closed" {
    if (this.#isGone || this.#isEnding) return "closed";
    const message = typeof frame === "string" ? Buffer.from(frame) : bufferOver(frame);
    this.#unsent.push(message.length);
    this.#unsentBytes += message.length;
    this.#call.write(message, this.#messageLeft);
    if (this.#unsentBytes <= this.#deps.highWaterBytes) return "ready";
    this.#isFull = true;
    const mostBytes = this.#deps.highWaterBytes + MESSAGES_PAST_FULL * this.#deps.maxMessageBytes;
    if (this.#unsentBytes > mostBytes) this.#cut();
    return "full";
  }

  close(code: number, reason: string): void {
    if (this.#isGone || this.#isEnding) return;
    this.#isEnding = true;
    const status = statusFromClose(code, reason);
    if (status.code === 0) this.#call.end();
    else this.#call.emit("error", status);
    const late = setTimeout(this.#cut, END_MS);
    this.#call.on("cancelled", () => clearTimeout(late));
  }

  #received(data: Buffer): void {
    if (this.#isEnding || this.#isGone) return;
    this.#guard(() => this.#session?.message(data, true));
  }

  /** The client ended its side. */
  #finished(): void {
    if (this.#isEnding || this.#isGone) return;
    if (this.#session?.finish === undefined) this.close(1000, "");
    else this.#guard(() => this.#session?.finish?.());
  }

  #gone(): void {
    if (this.#isGone) return;
    this.#isGone = true;
    this.#ended();
    const session = this.#session;
    this.#session = undefined;
    if (session !== undefined) this.#guard(() => session.closed());
  }

  #left(): void {
    this.#unsentBytes -= this.#unsent.shift() ?? 0;
    if (!this.#isFull || this.#isEnding || this.#isGone) return;
    if (this.#unsentBytes > this.#deps.highWaterBytes / 2) return;
    this.#isFull = false;
    this.#guard(() => this.#session?.drained());
  }

  #guard(step: () => void): void {
    try {
      step();
    } catch (thrown) {
      this.#deps.note(thrown);
      this.close(1011, "the hub failed to handle this session");
    }
  }
}
