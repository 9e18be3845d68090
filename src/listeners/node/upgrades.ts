import type { IncomingMessage } from "node:http";
import type { Duplex } from "node:stream";
import { WebSocketServer } from "ws";
import type { HttpResponse, ListenerOptions, SocketDecision } from "../../ports/listener.ts";
import { FlushQueue } from "../flush-queue.ts";
import { GOODBYE_CODE, GOODBYE_REASON, SOCKET_SILENCE_MS } from "../listener-limits.ts";
import type { RequestHead } from "../request-head.ts";
import { statusLine } from "../status-line.ts";
import { decideUpgrade } from "../upgrade-decision.ts";
import { CUT_AFTER_ROUNDS, NodeSocket, type SocketSettings } from "./socket.ts";

type Accepted = Extract<SocketDecision, { readonly kind: "accept" }>;

/** Time for a client to answer a close frame. */
const CLOSE_TIMEOUT_MS = 2_000;

/** The WebSocket half of the listener. */
export interface Upgrades {
  /** Decides on a request that wants an upgrade; false = it is to be answered as HTTP. */
  decide(request: IncomingMessage): boolean;
  /** The answer to a request whose upgrade was refused. */
  refusalOf(request: IncomingMessage): HttpResponse | undefined;
  /** Upgrades what `decide` said yes to. */
  upgrade(request: IncomingMessage, stream: Duplex, firstBytes: Buffer): void;
  /** Says goodbye to every socket; answers whether there was one. */
  closeAll(): boolean;
}

export function createUpgrades(
  options: ListenerOptions,
  headOf: (request: IncomingMessage) => RequestHead,
): Upgrades {
  const accepted = new WeakMap<IncomingMessage, { decision: Accepted; remoteAddress: string }>();
  const refused = new WeakMap<IncomingMessage, HttpResponse>();
  const open = new Set<NodeSocket>();
  const settings: SocketSettings = {
    maxFrameBytes: options.maxFrameBytes,
    highWaterBytes: options.socketHighWaterBytes,
    queue: new FlushQueue(),
    onError: options.onError,
  };
  const server = new WebSocketServer({
    noServer: true,
    clientTracking: false,
    perMessageDeflate: false,
    maxPayload: options.maxFrameBytes,
    handleProtocols: (_offered, request) => accepted.get(request)?.decision.subprotocol || false,
    ...{ closeTimeout: CLOSE_TIMEOUT_MS },
  });
  const sweep = lookForSilent(open, options);

  const decide = (request: IncomingMessage): boolean => {
    const { method, url = "", headers } = request;
    const isOurs =
      method === "GET" &&
      url.split("?", 1)[0] === options.socketPath &&
      headers.upgrade?.toLowerCase() === "websocket";
    if (!isOurs) return false;
    const head = headOf(request);
    const decision = decideUpgrade(head, options);
    if (decision.kind === "accept") accepted.set(request, { decision, remoteAddress: head.remoteAddress });
    else refused.set(request, decision.response);
    return decision.kind === "accept";
  };

  return {
    decide,
    refusalOf: (request) => refused.get(request),
    upgrade(request, stream, firstBytes) {
      // Node before 22.21, and 24 before 24.9, asks nobody beforehand, and has no way back to HTTP then.
      if (!accepted.has(request)) decide(request);
      const entry = accepted.get(request);
      if (entry === undefined) {
        const status = statusLine(refused.get(request)?.status ?? 400);
        stream.end(`HTTP/1.1 ${status}\r\nconnection: close\r\ncontent-length: 0\r\n\r\n`);
        return;
      }
      server.handleUpgrade(request, stream, firstBytes, (webSocket) => {
        const socket = new NodeSocket(settings, entry.remoteAddress);
        open.add(socket);
        webSocket.on("message", (data, isBinary) => {
          if (Buffer.isBuffer(data)) socket.received(data, isBinary);
        });
        webSocket.on("ping", () => socket.heard());
        webSocket.on("pong", () => socket.heard());
        // A client that breaks the protocol or the connection; `close` follows.
        webSocket.on("error", () => undefined);
        webSocket.on("close", () => {
          open.delete(socket);
          socket.closed();
        });
        socket.opened({ webSocket, stream }, entry.decision.open);
      });
    },
    closeAll() {
      clearInterval(sweep);
      const hadSockets = open.size > 0;
      for (const socket of open) socket.close(GOODBYE_CODE, GOODBYE_REASON);
      return hadSockets;
    },
  };
}

/** Looks again and again, until it is cleared. */
function lookForSilent(
  open: ReadonlySet<NodeSocket>,
  { socketSilenceMs = SOCKET_SILENCE_MS }: ListenerOptions,
): NodeJS.Timeout {
  const look = (): void => {
    for (const socket of open) socket.checkAlive();
  };
  return setInterval(look, socketSilenceMs / CUT_AFTER_ROUNDS).unref();
}
