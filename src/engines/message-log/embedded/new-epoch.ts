import { type Environment, openEnvironment } from "./environment.ts";
import { epochKey } from "./keys.ts";
import { StreamTable } from "./stream-table.ts";

/** States of streams that are kept while all of them are looked at. */
const STATES = 1000;

/**
 * Ends the epoch of a log that was put back from a copy, before anything is appended to it: a position that a reader
 * got after the copy was made is a gap from now on, while those of before stay good. The new epoch is made of the
 * time, so that a second restore of the same copy does not give positions of the first one again.
 * @param path folder of the log; nobody else may have it open
 * @throws MeshError unavailable, storage_full
 */
export async function startNewEpoch(path: string, nowUnixMs: number): Promise<{ readonly streams: number }> {
  const env = await openEnvironment(path, "power");
  try {
    return { streams: await endEpoch(env, Math.max(env.epoch + 1, Math.floor(nowUnixMs / 1000))) };
  } finally {
    await env.close();
  }
}

/** In one commit, so that a restore that is cut off can be done again. */
async function endEpoch(env: Environment, next: number): Promise<number> {
  const table = new StreamTable(env, STATES);
  let streams = 0;
  await env.commit(() => {
    for (const { key, value } of env.names.getRange({})) {
      const end = Buffer.allocUnsafeSlow(8);
      end.writeDoubleLE(table.get(value.toString("utf8")).last, 0);
      env.epochEnds.put(epochKey(key.readUInt32BE(0), env.epoch), end);
      streams += 1;
    }
    env.putEpoch(next);
  });
  return streams;
}
