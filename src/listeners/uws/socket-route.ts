import type { HttpResponse, ListenerOptions } from "../../ports/listener.ts";
import { FlushQueue } from "../flush-queue.ts";
import { SOCKET_SILENCE_MS } from "../listener-limits.ts";
import { INTERNAL_RESPONSE } from "../response-head.ts";
import { decideUpgrade } from "../upgrade-decision.ts";
import { isWhole, withoutBody } from "../whole-response.ts";
import { copyHead } from "./copied-head.ts";

import { type SocketLink, type SocketSettings, UwsSocket } from "./socket.ts";
import type {
  HttpRequest as NativeRequest,
  HttpResponse as NativeResponse,
  SocketContext,
  WebSocketBehavior,
} from "./uws.d.ts";
import { writeResponse } from "./write-response.ts";

/** The native side cuts a frame over its own limit without a close code, so that limit leaves room to answer 1009. */
const NATIVE_FRAME_FACTOR = 2;

export interface SocketBook {
  /** Every socket that is open. */
  readonly open: Set<UwsSocket>;
  /** Told when a connection is about to become a socket. */
  readonly upgraded: () => void;
}

/** Serves upgrades, and keeps the book of what is open. */
export function createSocketRoute(
  options: ListenerOptions,
  disabledCompression: number,
  { open, upgraded }: SocketBook,
): WebSocketBehavior<SocketLink> {
  const settings: SocketSettings = {
    maxFrameBytes: options.maxFrameBytes,
    highWaterBytes: options.socketHighWaterBytes,
    queue: new FlushQueue(),
    onError: options.onError,
  };
  return {
    compression: disabledCompression,
    // Pings are sent by the native side shortly before this.
    idleTimeout: Math.round((options.socketSilenceMs ?? SOCKET_SILENCE_MS) / 1000),
    sendPingsAutomatically: true,
    maxPayloadLength: options.maxFrameBytes * NATIVE_FRAME_FACTOR,
    maxBackpressure: 0,
    upgrade: (response, request, context) => {
      if (upgrade({ response, request, context }, options, settings)) upgraded();
    },
    open: (native) => {
      const { socket } = native.getUserData();
      open.add(socket);
      socket.opened(native);
    },
    message: (native, frame, isBinary) => native.getUserData().socket.received(frame, isBinary),
    drain: (native) => native.getUserData().socket.writable(),
    close: (native) => {
      const { socket } = native.getUserData();
      open.delete(socket);
      socket.closed();
    },
  };
}

interface NativeUpgrade {
  readonly response: NativeResponse;
  readonly request: NativeRequest;
  readonly context: SocketContext;
}

/** Answers whether the connection is a socket now. */
function upgrade(native: NativeUpgrade, options: ListenerOptions, settings: SocketSettings): boolean {
  const head = copyHead(native.response, native.request, options.isTrustedProxy);
  const decision = decideUpgrade(head, options);
  if (decision.kind === "refuse") {
    refuse(native.response, decision.response, options.onError);
    return false;
  }
  const socket = new UwsSocket(settings, head.remoteAddress, (connection) => decision.open(connection));
  const key = head.headers.get("sec-websocket-key") ?? "";
  // No extensions are answered: the only one that the native side knows is compression, which is off.
  native.response.upgrade<SocketLink>({ socket }, key, decision.subprotocol, "", native.context);
  return true;
}

function refuse(native: NativeResponse, response: HttpResponse, onError: (error: unknown) => void): void {
  const options = { isHead: false, lastOfConnection: false };
  // A large body is still being written when the native handler returns; then this handler must be set.
  native.onAborted(ignoreAbort);
  try {
    writeResponse(native, isWhole(response) ? response : withoutBody(response), options, ignoreAbort);
  } catch (error) {
    onError(error);
    writeResponse(native, INTERNAL_RESPONSE, options, ignoreAbort);
  }
}

/** Nothing is held for a refused upgrade, so there is nothing to let go. */
function ignoreAbort(): void {
  return;
}
