import type { RecordChange } from "../../../ports/log-upkeep.ts";
import type { LogRecord } from "../../../ports/message-log.ts";
import { chunkHead, encodeChunk, idsOfChunk, recordsOfChunk } from "./chunk.ts";
import type { Environment } from "./environment.ts";
import type { GroupCommit } from "./group-commit.ts";
import { placeFromChunkKey, streamKey } from "./keys.ts";

/** A step reads, and decides, between other calls: keep it short. */
const STEP_CHUNKS = 256;
const STEP_BYTES = 1_048_576;

interface Changed {
  readonly key: Buffer;
  readonly value: Buffer;
  readonly records: number;
}

/** Runs work while no other part of the engine changes chunks that are stored. */
export type InTurn = <T>(work: () => Promise<T>) => Promise<T>;

/**
 * Replaces records in place, step by step, each step in a commit of its own and in a turn of its own: trimming must
 * not remove between reading and writing what would come back then. What a stream counts as its bytes keeps the
 * old lengths for a while, which only makes an inbox look a little fuller than it is.
 */
export async function rewriteAll(
  env: Environment,
  commits: GroupCommit,
  inTurn: InTurn,
  change: RecordChange,
): Promise<number> {
  let replaced = 0;
  for (let from: Buffer | undefined = Buffer.alloc(0); from !== undefined; ) {
    const start: Buffer = from;
    const step: Step = await inTurn(async () => {
      const found = nextStep(env, start, change);
      if (found.changed.length === 0) return found;
      await commits.write(() => {
        for (const { key, value } of found.changed) env.chunks.put(key, value);
      });
      return found;
    });
    await new Promise(setImmediate);
    for (const { records } of step.changed) replaced += records;
    from = step.next;
  }
  return replaced;
}

interface Step {
  readonly changed: readonly Changed[];
  /** Where the next one begins; undefined = that was all. */
  readonly next: Buffer | undefined;
}

function nextStep(env: Environment, from: Buffer, change: RecordChange): Step {
  const changed: Changed[] = [];
  let chunks = 0;
  let bytes = 0;
  const range = from.length === 0 ? {} : { start: from };
  for (const { key, value } of env.chunks.getRange(range)) {
    if (chunks === STEP_CHUNKS || bytes > STEP_BYTES) return { changed, next: Buffer.from(key) };
    chunks += 1;
    bytes += value.length;
    const one = changedChunk(env, key, value, change);
    if (one !== undefined) changed.push(one);
  }
  return { changed, next: undefined };
}

function changedChunk(
  env: Environment,
  key: Buffer,
  chunk: Buffer,
  change: RecordChange,
): Changed | undefined {
  const { stream, firstOffset } = placeFromChunkKey(key);
  const name = env.names.get(streamKey(stream))?.toString("utf8");
  if (name === undefined) return undefined;
  const head = chunkHead(chunk);
  const place = { epoch: env.epoch, firstOffset };
  const before = recordsOfChunk(chunk, place, firstOffset, firstOffset + head.count - 1);
  const after = before.map((record) => change(name, record));
  const records = after.filter((bytes) => bytes !== undefined).length;
  if (records === 0) return undefined;
  const ids = idsOfChunk(chunk);
  const entries = before.map(({ bytes }: LogRecord, index) => ({
    id: ids[index] ?? "",
    bytes: after[index] ?? bytes,
  }));
  return { key: Buffer.from(key), value: encodeChunk(head, entries), records };
}
