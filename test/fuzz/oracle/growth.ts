import type { Vitals } from "./vitals.ts";

/** What may stay of a round: caches and tables that fill up to their bounds, and code that became hot. */
const HEAP_SLACK_BYTES = 12_000_000;
const HEAP_FACTOR = 1.25;
/** A process gives freed memory back late, and to its own free lists first. */
const RESIDENT_FACTOR = 1.4;
const RESIDENT_SLACK_BYTES = 48_000_000;

/** What grew from the end of the warm-up round to the end of the last one, and should not have. */
export function growthFaults(vitals: readonly Vitals[]): readonly string[] {
  const [, warm] = vitals;
  const last = vitals.at(-1);
  if (warm === undefined || last === undefined || vitals.length < 3) return [];
  const faults: string[] = [];
  const compare = (what: string, before: number, after: number, most: number): void => {
    if (after > most) faults.push(`${what} grew from ${before} to ${after} after the warm-up`);
  };
  const mostHeap = Math.max(warm.heapBytes * HEAP_FACTOR, warm.heapBytes + HEAP_SLACK_BYTES);
  compare("the heap", warm.heapBytes, last.heapBytes, mostHeap);
  compare("memory of buffers", warm.bufferBytes, last.bufferBytes, warm.bufferBytes + HEAP_SLACK_BYTES);
  const mostResident = Math.max(
    warm.residentBytes * RESIDENT_FACTOR,
    warm.residentBytes + RESIDENT_SLACK_BYTES,
  );
  compare("resident memory", warm.residentBytes, last.residentBytes, mostResident);
  return faults;
}
