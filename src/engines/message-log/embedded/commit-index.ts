import type { Position } from "../../../model/position.ts";
import { indexOfId } from "./chunk.ts";
import type { Environment } from "./environment.ts";
import { chunkKey, ID_BYTES, idBytes, writeId } from "./keys.ts";

/**
 * How a message id is found again without an entry per message: each commit notes, under the smallest of its ids,
 * which chunks hold them. Ids rise with time, so the note of an id is the nearest one at or before it; notes of
 * other commits can stand in between (a clock that jumped back, a second stream of ids), hence the look further
 * back. A commit whose ids lie apart, as when a peer sends what is days old, leaves a note for each span of time.
 *
 * Key: the smallest id, then the place of the first chunk, so that no note covers another. Value: the largest id,
 * then the chunks:
 * u32 stream, u32 unused, f64 first offset.
 */
const PLACE_BYTES = 10;
const REF_BYTES = 16;
/** Notes are cheap to pass over: most end before the wanted id. */
const LOOK_BACK = 256;
/** The first 40 bits of a UUIDv7: a span of 256 ms. */
const SPAN_CHARS = 11;

export interface ChunkRef {
  readonly stream: number;
  readonly firstOffset: number;
}

interface Note {
  smallestId: string;
  largestId: string;
  readonly refs: ChunkRef[];
}

/** The notes of one commit while it is put together. */
export class CommitNotes {
  readonly #notes = new Map<string, Note>();
  #span = "";
  #note: Note | undefined;

  add(id: string, ref: ChunkRef): void {
    const note = this.#noteFor(id, ref);
    if (id < note.smallestId) note.smallestId = id;
    if (id > note.largestId) note.largestId = id;
    if (note.refs[note.refs.length - 1] !== ref) note.refs.push(ref);
  }

  put(env: Environment): void {
    for (const { smallestId, largestId, refs } of this.#notes.values()) {
      const value = Buffer.allocUnsafeSlow(ID_BYTES + refs.length * REF_BYTES);
      writeId(value, 0, largestId);
      for (const [index, ref] of refs.entries()) {
        const at = ID_BYTES + index * REF_BYTES;
        value.writeUInt32LE(ref.stream, at);
        value.writeUInt32LE(0, at + 4);
        value.writeDoubleLE(ref.firstOffset, at + 8);
      }
      const [first] = refs;
      if (first !== undefined) env.commits.put(noteKey(smallestId, first), value);
    }
  }

  #noteFor(id: string, ref: ChunkRef): Note {
    if (this.#note !== undefined && id.startsWith(this.#span)) return this.#note;
    this.#span = id.slice(0, SPAN_CHARS);
    this.#note = this.#notes.get(this.#span);
    if (this.#note === undefined) {
      this.#note = { smallestId: id, largestId: id, refs: [ref] };
      this.#notes.set(this.#span, this.#note);
    }
    return this.#note;
  }
}

/** Where the message is; undefined when it is not kept (any more). */
export function findInCommits(
  env: Environment,
  id: string,
): { stream: number; position: Position } | undefined {
  const wanted = idBytes(id);
  const start = Buffer.concat([wanted, Buffer.alloc(PLACE_BYTES, 0xff)]);
  for (const { value } of env.commits.getRange({ start, reverse: true, limit: LOOK_BACK })) {
    if (value.compare(wanted, 0, ID_BYTES, 0, ID_BYTES) < 0) continue;
    for (const ref of refsOf(value)) {
      const chunk = env.chunks.get(chunkKey(ref.stream, ref.firstOffset));
      const index = chunk === undefined ? -1 : indexOfId(chunk, wanted);
      if (index >= 0)
        return { stream: ref.stream, position: { epoch: env.epoch, offset: ref.firstOffset + index } };
    }
  }
  return undefined;
}

/** Finds notes whose chunks are all trimmed, a part of the table at a time. */
export class NoteSweep {
  #from: Buffer | undefined;
  readonly #env: Environment;

  constructor(env: Environment) {
    this.#env = env;
  }

  /** Keys to remove among the next `limit` notes; after the last one it begins anew. */
  next(limit: number): Buffer[] {
    const range = this.#from === undefined ? { limit } : { start: this.#from, limit };
    const stale: Buffer[] = [];
    let seen = 0;
    this.#from = undefined;
    for (const { key, value } of this.#env.commits.getRange(range)) {
      seen++;
      if (seen === limit) this.#from = Buffer.from(key);
      if (!this.#hasChunks(value)) stale.push(Buffer.from(key));
    }
    return stale;
  }

  #hasChunks(value: Buffer): boolean {
    for (const { stream, firstOffset } of refsOf(value)) {
      if (this.#env.chunks.doesExist(chunkKey(stream, firstOffset))) return true;
    }
    return false;
  }
}

function* refsOf(value: Buffer): Iterable<ChunkRef> {
  for (let at = ID_BYTES; at < value.length; at += REF_BYTES) {
    yield {
      stream: value.readUInt32LE(at),
      firstOffset: value.readDoubleLE(at + 8),
    };
  }
}

function noteKey(smallestId: string, first: ChunkRef): Buffer {
  const key = Buffer.allocUnsafe(ID_BYTES + PLACE_BYTES);
  idBytes(smallestId).copy(key);
  key.writeUInt32BE(first.stream, ID_BYTES);
  key.writeUIntBE(first.firstOffset, ID_BYTES + 4, 6);
  return key;
}
