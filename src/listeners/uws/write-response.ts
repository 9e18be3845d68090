import type { HttpResponse, WholeResponse } from "../../ports/listener.ts";
import { checkedHead, type ResponseHead } from "../response-head.ts";
import type { HttpResponse as NativeResponse } from "./uws.d.ts";

/** Larger bodies are written as the client takes them, not copied into the native buffer at once. */
const LARGE_BYTES = 64 * 1024;

export interface WriteOptions {
  /** The request was HEAD: headers as for GET, but no body. */
  readonly isHead: boolean;
  /** Tells the client not to use the connection again. */
  readonly lastOfConnection: boolean;
}

/** Writes only the head of a response whose body comes in parts. @throws MeshError as `writeResponse` */
export function writeStreamHead(
  native: NativeResponse,
  response: HttpResponse,
  lastOfConnection: boolean,
): void {
  const head = checkedHead(response);
  native.cork(() => writeHead(native, head, lastOfConnection));
}

/**
 * Writes the whole response. Answers whether it is out of our hands; when not, `onDone` is called when it is.
 * @throws MeshError internal when a header is not fit to be sent; nothing is written then
 */
export function writeResponse(
  native: NativeResponse,
  response: WholeResponse,
  options: WriteOptions,
  onDone: () => void,
): boolean {
  const head = checkedHead(response);
  let isDone = true;
  native.cork(() => {
    writeHead(native, head, options.lastOfConnection);
    if (!head.hasBody) native.endWithoutBody();
    else if (options.isHead) endWithLengthOnly(native, response.body);
    else isDone = writeBody(native, response.body, onDone);
  });
  return isDone;
}

/**
 * Writes the response but leaves its end open, so that the native side does not close the connection yet.
 * @throws MeshError internal when a header is not fit to be sent; nothing is written then
 */
export function writeUnended(
  native: NativeResponse,
  response: WholeResponse,
  lastOfConnection: boolean,
): void {
  const head = checkedHead(response);
  native.cork(() => {
    writeHead(native, head, lastOfConnection);
    if (head.hasBody) native.write(response.body);
  });
}

/**
 * Writes the whole response and closes the connection after it.
 * @throws MeshError internal when a header is not fit to be sent; nothing is written then
 */
export function writeLast(native: NativeResponse, response: WholeResponse): void {
  const head = checkedHead(response);
  native.cork(() => {
    writeHead(native, head, false);
    if (head.hasBody) native.end(response.body, true);
    else native.endWithoutBody(undefined, true);
  });
}

function writeHead(native: NativeResponse, head: ResponseHead, lastOfConnection: boolean): void {
  native.writeStatus(head.statusLine);
  for (const [name, value] of head.headers) native.writeHeader(name, value);
  if (lastOfConnection) native.writeHeader("connection", "close");
}

/** The native side counts a length that it is told about as bytes still to come, so the header is written here. */
function endWithLengthOnly(native: NativeResponse, body: Uint8Array | string): void {
  native.writeHeader("content-length", String(Buffer.byteLength(body)));
  native.endWithoutBody();
}

function writeBody(native: NativeResponse, body: Uint8Array | string, onDone: () => void): boolean {
  if (body.length <= LARGE_BYTES) {
    native.end(body);
    return true;
  }
  const bytes = typeof body === "string" ? Buffer.from(body) : body;
  const [, isDone] = native.tryEnd(bytes, bytes.byteLength);
  if (isDone) return true;
  native.onWritable((offset) => {
    const [isTaken, isOver] = native.tryEnd(bytes.subarray(offset), bytes.byteLength);
    if (isOver) onDone();
    return isTaken;
  });
  return false;
}
