import type { ServerResponse } from "node:http";
import type { HttpResponse, WholeResponse } from "../../ports/listener.ts";
import { checkedHead } from "../response-head.ts";

/** A reader that takes nothing for so long is cut. */
const STALLED_MS = 10_000;

export interface WriteOptions {
  /** The request was HEAD: headers as for GET, but no body. */
  readonly isHead: boolean;
  /** Tells the client not to use the connection again, and closes it after the end. */
  readonly isLast: boolean;
  /** False leaves the end of the response open, and with it the connection. */
  readonly isEnded: boolean;
}

/**
 * Writes the whole response.
 * @throws MeshError internal when a header is not fit to be sent; nothing is written then
 */
export function writeWhole(
  native: ServerResponse,
  response: WholeResponse,
  { isHead, isLast, isEnded }: WriteOptions,
): void {
  const { body } = response;
  const hasBody = writeHead(native, response, isLast, Buffer.byteLength(body));
  const isSent = hasBody && !isHead && body.length > 0;
  if (isEnded) native.end(isSent ? body : undefined);
  else if (isSent) native.write(body);
  else native.flushHeaders();
}

/**
 * Prepares the head; it goes out with the first part of the body. Answers whether the status has a body.
 * @throws MeshError as `writeWhole`
 */
export function writeHead(
  native: ServerResponse,
  response: HttpResponse,
  isLast: boolean,
  lengthBytes?: number,
): boolean {
  const head = checkedHead(response);
  const headers: string[] = [];
  for (const [name, value] of head.headers) headers.push(name, value);
  if (head.hasBody && lengthBytes !== undefined) headers.push("content-length", String(lengthBytes));
  if (isLast) headers.push("connection", "close");
  native.writeHead(response.status, headers);
  return head.hasBody;
}

/**
 * Has the connection cut when its client takes nothing of what is buffered. Nothing is read from it meanwhile: who
 * sends while it takes nothing would look alive. The next request takes that back.
 */
export function cutWhenStalled(native: ServerResponse): void {
  const { socket } = native;
  if (socket === null || native.writableLength === 0) return;
  socket.setTimeout(STALLED_MS);
  socket.pause();
  native.once("finish", () => socket.resume());
}

/** The client takes again. */
export function goOnUnhurried(native: ServerResponse): void {
  native.socket?.setTimeout(0);
  native.socket?.resume();
}
