import type { Environment } from "./environment.ts";
import { epochFromKey, epochKey } from "./keys.ts";
import { NONE_ENDED } from "./stream-state.ts";

const U32 = 0xffff_ffff;

/**
 * A stream's offsets go on when an epoch ends, and what was stored before keeps its offset. So a position of an
 * earlier epoch still says which record it means, up to the last one that the epoch had here: what a reader saw
 * beyond that is not in this log, and its position is a gap.
 */
export function endedEpochs(env: Environment, stream: number): ReadonlyMap<number, number> {
  let ends: Map<number, number> | undefined;
  const range = { start: epochKey(stream, 0), end: epochKey(stream, U32) };
  for (const { key, value } of env.epochEnds.getRange(range)) {
    ends ??= new Map();
    ends.set(epochFromKey(key), value.readDoubleLE(0));
  }
  return ends ?? NONE_ENDED;
}
