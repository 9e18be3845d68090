import { constants, type ServerHttp2Stream } from "node:http2";

/**
 * Cuts a call whose request is not all there in time: the library would wait for the rest of its message, and keep what
 * came of it, for as long as the client likes.
 */
export function limitRequestTime(stream: ServerHttp2Stream, timeoutMs: number): void {
  const late = setTimeout(() => stream.close(constants.NGHTTP2_CANCEL), timeoutMs).unref();
  const inTime = (): void => clearTimeout(late);
  stream.once("end", inTime).once("close", inTime);
}
