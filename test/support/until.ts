const EVERY_MS = 20;

/**
 * Asks again and again until the answer is not undefined or false, and gives it.
 * @throws after `withinMs`, naming what was waited for
 */
export async function until<T>(
  what: string,
  ask: () => T | undefined | false | Promise<T | undefined | false>,
  withinMs = 30_000,
): Promise<T> {
  const endMs = performance.now() + withinMs;
  for (;;) {
    const answer = await ask();
    if (answer !== undefined && answer !== false) return answer;
    if (performance.now() > endMs) throw new Error(`in ${withinMs} ms it did not come: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}
