const LOOK_EVERY_MS = 1000;
const STALLED_AFTER_LOOKS = 10;

/** Calls `onStalled` when `progress` stays the same for ten seconds: something was lost. Answers how to end it. */
export function guardAgainstStall(progress: () => number, onStalled: (at: number) => void): () => void {
  let last = -1;
  let same = 0;
  const timer = setInterval(() => {
    const now = progress();
    same = now === last ? same + 1 : 0;
    last = now;
    if (same >= STALLED_AFTER_LOOKS) onStalled(now);
  }, LOOK_EVERY_MS);
  return () => clearInterval(timer);
}
