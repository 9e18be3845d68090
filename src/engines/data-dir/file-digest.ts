import { createHash } from "node:crypto";
import { createReadStream, createWriteStream } from "node:fs";
import { pipeline } from "node:stream/promises";

/** Hashed between other calls of the event loop: keep a part short. */
const PART_BYTES = 262_144;

export interface Digest {
  readonly bytes: number;
  readonly sha256: string;
}

/** Length and hash of a file. */
export async function digestOfFile(path: string): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  for await (const part of createReadStream(path, { highWaterMark: PART_BYTES })) {
    hash.update(part);
    bytes += part.length;
  }
  return { bytes, sha256: hash.digest("hex") };
}

/** Copies a file to a path where there is none, private, and gives the hash of what was copied. */
export async function copyWithDigest(from: string, to: string): Promise<Digest> {
  const hash = createHash("sha256");
  let bytes = 0;
  await pipeline(
    createReadStream(from, { highWaterMark: PART_BYTES }),
    async function* (parts: AsyncIterable<Buffer>) {
      for await (const part of parts) {
        hash.update(part);
        bytes += part.length;
        yield part;
      }
    },
    createWriteStream(to, { flags: "wx", mode: 0o600 }),
  );
  return { bytes, sha256: hash.digest("hex") };
}
