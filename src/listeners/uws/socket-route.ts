import type { HttpResponse, ListenerOptions, SocketDecision } from "../../ports/listener.ts";
import { INTERNAL_RESPONSE } from "../response-head.ts";
import { type CopiedHead, copyHead } from "./copied-head.ts";
import { FlushQueue } from "./flush-queue.ts";
import { type SocketLink, type SocketSettings, UwsSocket } from "./socket.ts";
import type {
  HttpRequest as NativeRequest,
  HttpResponse as NativeResponse,
  SocketContext,
  WebSocketBehavior,
} from "./uws.d.ts";
import { isWhole, withoutBody, writeResponse } from "./write-response.ts";

/** Pings are sent by the native side shortly before this. */
const IDLE_TIMEOUT_S = 120;
/** The native side cuts a frame over its own limit without a close code, so that limit leaves room to answer 1009. */
const NATIVE_FRAME_FACTOR = 2;

/** Serves upgrades; `open` holds every socket that is open. */
export function createSocketRoute(
  options: ListenerOptions,
  disabledCompression: number,
  open: Set<UwsSocket>,
): WebSocketBehavior<SocketLink> {
  const settings: SocketSettings = {
    maxFrameBytes: options.maxFrameBytes,
    highWaterBytes: options.socketHighWaterBytes,
    queue: new FlushQueue(),
    onError: options.onError,
  };
  return {
    compression: disabledCompression,
    idleTimeout: IDLE_TIMEOUT_S,
    sendPingsAutomatically: true,
    maxPayloadLength: options.maxFrameBytes * NATIVE_FRAME_FACTOR,
    maxBackpressure: 0,
    upgrade: (response, request, context) => upgrade({ response, request, context }, options, settings),
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

function upgrade(native: NativeUpgrade, options: ListenerOptions, settings: SocketSettings): void {
  const head = copyHead(native.response, native.request, options.isTrustedProxy);
  const decision = decide(head, options);
  if (decision.kind === "refuse") {
    refuse(native.response, decision.response, options.onError);
    return;
  }
  const socket = new UwsSocket(settings, head.remoteAddress, (connection) => decision.open(connection));
  const key = head.headers.get("sec-websocket-key") ?? "";
  // No extensions are answered: the only one that the native side knows is compression, which is off.
  native.response.upgrade<SocketLink>({ socket }, key, decision.subprotocol, "", native.context);
}

const SUBPROTOCOL = /^[\w!#$%&'*+.^`|~-]*$/;

function decide(head: CopiedHead, options: ListenerOptions): SocketDecision {
  if (head.headers.get("sec-websocket-version") !== "13") return { kind: "refuse", response: WRONG_VERSION };
  try {
    const { headers, query, remoteAddress } = head;
    const decision = options.socket({ headers, query, remoteAddress });
    if (decision.kind === "refuse" || SUBPROTOCOL.test(decision.subprotocol)) return decision;
    throw new TypeError("the subprotocol is not fit to be sent");
  } catch (error) {
    options.onError(error);
    return { kind: "refuse", response: INTERNAL_RESPONSE };
  }
}

const WRONG_VERSION: HttpResponse = {
  status: 426,
  headers: { "content-type": "application/json", "sec-websocket-version": "13" },
  body: JSON.stringify({
    error: {
      code: "invalid_argument",
      message: "only version 13 of the WebSocket protocol is spoken here",
      hint: "use a client of RFC 6455",
    },
  }),
};

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
