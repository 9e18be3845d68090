import { access } from "node:fs/promises";
import { join } from "node:path";
import { MeshError } from "../../../model/errors.ts";
import { chunkBodyBytes, chunkHead } from "./chunk.ts";
import { type Environment, openEnvironment } from "./environment.ts";
import { placeFromChunkKey } from "./keys.ts";

const MAX_PROBLEMS = 20;

export interface LogFacts {
  readonly streams: number;
  readonly records: number;
  readonly epoch: number;
  /** What is wrong; empty when it is sound, or was not looked for. */
  readonly problems: readonly string[];
}

/**
 * Looks into a log that no hub has open.
 * @param isThorough reads every chunk: whether each stream's offsets are dense; counts records
 * @throws MeshError unavailable when it is no log, or damaged beyond reading; storage_full: reading needs a lock file
 */
export async function inspectLog(path: string, isThorough: boolean): Promise<LogFacts> {
  // Opening would make an empty one.
  await access(join(path, "data.mdb")).catch((cause: unknown) => {
    throw unreadable(path, cause);
  });
  let env: Environment | undefined;
  try {
    env = await openEnvironment(path, "power");
    const { records, problems } = isThorough ? readThrough(env) : { records: 0, problems: [] };
    return { streams: env.streamCount(), records, epoch: env.epoch, problems };
  } catch (thrown) {
    if (thrown instanceof MeshError && thrown.code === "storage_full") throw thrown;
    throw unreadable(path, thrown);
  } finally {
    await env?.close();
  }
}

function readThrough(env: Environment): { records: number; problems: readonly string[] } {
  const problems: string[] = [];
  let records = 0;
  let stream = -1;
  let next = 0;
  for (const { key, value } of env.chunks.getRange({})) {
    const place = placeFromChunkKey(key);
    const { count } = chunkHead(value);
    const where = `stream ${place.stream}, offset ${place.firstOffset}`;
    if (place.stream === stream && place.firstOffset !== next)
      problems.push(`${where}: ${next} was expected`);
    if (count === 0 || chunkBodyBytes(value) < 0) problems.push(`${where}: a broken chunk`);
    if (problems.length >= MAX_PROBLEMS) break;
    stream = place.stream;
    next = place.firstOffset + count;
    records += count;
  }
  return { records, problems };
}

function unreadable(path: string, cause: unknown): MeshError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new MeshError("unavailable", `the message log in ${path} cannot be read: ${reason}`, {
    hint: "restore it from a backup",
    cause,
  });
}
