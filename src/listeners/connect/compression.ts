import { promisify } from "node:util";
import { constants, gunzip, gzip } from "node:zlib";
import { Code, ConnectError } from "@connectrpc/connect";
import type { Compression } from "@connectrpc/connect/protocol";

const compress = promisify(gzip);
const decompress = promisify(gunzip);

/** Gzip, the one that every client of these protocols knows. What unpacks to more than is allowed is given up at once. */
export const gzipCompression: Compression = {
  name: "gzip",
  // Fast rather than small: the hub's time is dearer than the wire.
  compress: async (bytes) => ownBytes(await compress(bytes, { level: constants.Z_BEST_SPEED })),
  async decompress(bytes, readMaxBytes) {
    if (bytes.length === 0) return new Uint8Array(0);
    try {
      return ownBytes(await decompress(bytes, { maxOutputLength: readMaxBytes }));
    } catch (thrown) {
      if (thrown instanceof Error && "code" in thrown && thrown.code === "ERR_BUFFER_TOO_LARGE") {
        throw new ConnectError(
          `the message unpacks to more than ${readMaxBytes} bytes`,
          Code.ResourceExhausted,
        );
      }
      throw new ConnectError("the message is not gzip", Code.InvalidArgument);
    }
  },
};

function ownBytes(bytes: Buffer): Uint8Array<ArrayBuffer> {
  const { buffer, byteOffset, byteLength } = bytes;
  return buffer instanceof ArrayBuffer
    ? new Uint8Array(buffer, byteOffset, byteLength)
    : new Uint8Array(bytes);
}
