import { once } from "node:events";
import { onTestFinished } from "vitest";
import { type ClientOptions, WebSocket } from "ws";
import type { SocketConnection, SocketHandler, SocketSession } from "../../../src/ports/listener.ts";
import { schemeOf } from "./transport.ts";

export interface TestSocket {
  readonly client: WebSocket;
  /** The next frame in the order of arrival, waiting for it when there is none. */
  next(): Promise<{ readonly data: Buffer; readonly isBinary: boolean }>;
  nextText(): Promise<string>;
}

/** An open client that keeps what it gets. */
export async function connectSocket(
  port: number,
  protocols: string[] = [],
  options: ClientOptions = {},
): Promise<TestSocket> {
  const client = new WebSocket(`${schemeOf(port, "ws")}://127.0.0.1:${port}/ws`, protocols, options);
  onTestFinished(() => client.terminate());
  const frames: { data: Buffer; isBinary: boolean }[] = [];
  client.on("message", (data, isBinary) => {
    if (Buffer.isBuffer(data)) frames.push({ data, isBinary });
  });
  await once(client, "open");
  // A server that cuts the connection shows as an error before `close`.
  client.on("error", () => undefined);
  const next = async () => {
    while (true) {
      const frame = frames.shift();
      if (frame !== undefined) return frame;
      await once(client, "message");
    }
  };
  return { client, next, nextText: async () => (await next()).data.toString() };
}

/** What the server refused an upgrade with. */
export function refusedUpgrade(
  port: number,
  options: ClientOptions = {},
): Promise<{ readonly status: number | undefined; readonly body: string }> {
  return new Promise((resolve, reject) => {
    const client = new WebSocket(`${schemeOf(port, "ws")}://127.0.0.1:${port}/ws`, [], options);
    onTestFinished(() => client.terminate());
    client.on("error", () => undefined);
    client.on("open", () => reject(new Error("the upgrade was accepted")));
    client.on("unexpected-response", (_request, response) => {
      const parts: Buffer[] = [];
      response.on("data", (part: Buffer) => parts.push(part));
      response.on("end", () =>
        resolve({ status: response.statusCode, body: Buffer.concat(parts).toString() }),
      );
    });
  });
}

export interface EchoSockets {
  readonly handler: SocketHandler;
  openCount(): number;
  closedCount(): number;
}

/** Sessions that send every frame back as it came. */
export function createEchoSockets(): EchoSockets {
  let openCount = 0;
  let closedCount = 0;
  const handler = acceptAll((connection) => {
    openCount++;
    return createSession({
      message: (data, isBinary) => {
        connection.send(isBinary ? data : Buffer.from(data).toString());
      },
      closed: () => {
        closedCount++;
      },
    });
  });
  return { handler, openCount: () => openCount, closedCount: () => closedCount };
}

export function acceptAll(
  open: (connection: SocketConnection) => SocketSession,
  subprotocol = "",
): SocketHandler {
  return () => ({ kind: "accept", subprotocol, open });
}

const IDLE: SocketSession = { message: () => undefined, drained: () => undefined, closed: () => undefined };

export function createSession(parts: Partial<SocketSession>): SocketSession {
  return { ...IDLE, ...parts };
}

/** A client frame with a zero mask. */
export function rawFrame(opcode: number, payload: Uint8Array, isFinal = true): Buffer {
  const head = [(isFinal ? 0x80 : 0) | opcode];
  if (payload.length < 126) head.push(0x80 | payload.length);
  else head.push(0x80 | 126, payload.length >> 8, payload.length & 0xff);
  return Buffer.concat([Buffer.from([...head, 0, 0, 0, 0]), payload]);
}

export const UPGRADE_REQUEST =
  "GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
  "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n";
