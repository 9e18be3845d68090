const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"] as const;
const STEP = 1024;

/** `512 B`, `1.4 KiB`, `23 MiB`. */
export function bytesText(bytes: number): string {
  let amount = bytes;
  let unit = 0;
  while (amount >= STEP && unit < UNITS.length - 1) {
    amount /= STEP;
    unit += 1;
  }
  const digits = unit > 0 && amount < 10 ? 1 : 0;
  return `${amount.toFixed(digits)} ${UNITS[unit]}`;
}

/** `987`, `12.3k`, `4.56M`: at most three digits that count. */
export function countText(count: number): string {
  if (count < 10_000)
    return count < 10 && !Number.isInteger(count) ? count.toFixed(1) : String(Math.round(count));
  const [divisor, letter] = count < 1_000_000 ? [1000, "k"] : [1_000_000, "M"];
  const amount = count / Number(divisor);
  return `${amount.toFixed(amount < 10 ? 2 : amount < 100 ? 1 : 0)}${letter}`;
}

/** `45s`, `12m`, `3h 5m`, `2d 4h`. */
export function durationText(seconds: number): string {
  const minutes = Math.floor(seconds / 60);
  const hours = Math.floor(minutes / 60);
  const days = Math.floor(hours / 24);
  if (days > 0) return `${days}d ${hours % 24}h`;
  if (hours > 0) return `${hours}h ${minutes % 60}m`;
  return minutes > 0 ? `${minutes}m` : `${Math.floor(seconds)}s`;
}
