import type { IncomingMessage } from "node:http";
import { Readable, type Transform } from "node:stream";
import { createBrotliDecompress, createGunzip, createInflate } from "node:zlib";
import { MeshError } from "../../../model/errors.ts";

const DECODERS: Readonly<Record<string, () => Transform>> = {
  gzip: createGunzip,
  "x-gzip": createGunzip,
  deflate: createInflate,
  br: createBrotliDecompress,
};

export interface BodyOptions {
  /** Of what is read, uncompressed: a bomb goes off no further than this. */
  readonly maxBytes: number;
  /** Turns what broke the connection into what the caller is told. */
  readonly failure: (thrown: unknown) => MeshError;
}

/**
 * The body as it comes, uncompressed. Ends the connection when it is not read to its end.
 * @throws MeshError
 */
export async function* readBody(
  message: IncomingMessage,
  { maxBytes, failure }: BodyOptions,
): AsyncGenerator<Uint8Array, void> {
  let bytes = 0;
  try {
    for await (const chunk of decoded(message)) {
      bytes += chunk.length;
      if (bytes > maxBytes) {
        throw new MeshError("too_large", `the server answered more than ${maxBytes} bytes`);
      }
      yield chunk;
    }
  } catch (thrown) {
    throw failure(thrown);
  } finally {
    // Not read to its end: the connection is of no use to anybody.
    if (!message.readableEnded) message.destroy();
  }
}

function decoded(message: IncomingMessage): AsyncIterable<Uint8Array> {
  const coding = (message.headers["content-encoding"] ?? "identity").trim().toLowerCase();
  if (coding === "identity" || coding === "") return message;
  const decoder = DECODERS[coding]?.();
  if (decoder === undefined)
    throw new MeshError("unavailable", `the server answered in the coding ${coding}`);
  const ended = (error: Error | null | undefined): void => {
    if (error) decoder.destroy(error);
  };
  message.once("error", ended).once("aborted", () => ended(new Error("the server broke off")));
  decoder.once("close", () => message.destroy());
  return message.pipe(decoder);
}

/** All of it as one piece. */
export async function wholeBody(chunks: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  return Buffer.concat(await Readable.from(chunks).toArray());
}
