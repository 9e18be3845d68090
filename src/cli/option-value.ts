import { usageError } from "./cli-error.ts";

const PATTERN = /^(?:\d+[smhdw]?|(?:\d+[smhdw])+)$/;
const SECONDS: Readonly<Record<string, number>> = { s: 1, m: 60, h: 3600, d: 86_400, w: 604_800 };
const TEN_YEARS_S = 315_360_000;

/**
 * Reads `90`, `90s`, `15m`, `24h`, `7d`, `1h30m` as whole seconds, 1 s to ten years.
 * @throws CliError usage
 */
export function secondsFromDuration(text: string): number {
  let seconds = 0;
  if (PATTERN.test(text)) {
    for (const [, amount, unit] of text.matchAll(/(\d+)([smhdw]?)/g)) {
      seconds += Number(amount) * (SECONDS[unit === undefined || unit === "" ? "s" : unit] ?? 1);
    }
  }
  if (seconds >= 1 && seconds <= TEN_YEARS_S) return seconds;
  throw usageError(`not a duration: ${text}`, "write 90s, 15m, 24h, 7d, or 1h30m");
}

/**
 * Reads a whole number within the bounds.
 * @throws CliError usage
 */
export function wholeNumber(least: number, most: number): (text: string) => number {
  return (text) => {
    const value = /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
    if (value >= least && value <= most) return value;
    throw usageError(`not a whole number from ${least} to ${most}: ${text}`);
  };
}

/** For options that may be repeated or hold several values with commas between them. */
export function collect(text: string, earlier: readonly string[] | undefined): readonly string[] {
  const items = text.split(",").map((item) => item.trim());
  return [...(earlier ?? []), ...items.filter((item) => item !== "")];
}
