const MINUTE_S = 60;
const HOUR_S = 3600;
const DAY_S = 86_400;
const UNITS: readonly (readonly [number, string])[] = [
  [DAY_S, "d"],
  [HOUR_S, "h"],
  [MINUTE_S, "m"],
];

/** `now`, `40s ago`, `3h ago`, `in 5d`. */
export function relativeTime(unixMs: number, nowUnixMs: number): string {
  const deltaS = Math.round((nowUnixMs - unixMs) / 1000);
  const distanceS = Math.abs(deltaS);
  if (distanceS < 2) return "now";
  const [unitS, letter] = UNITS.find(([seconds]) => distanceS >= seconds) ?? [1, "s"];
  const amount = `${Math.floor(distanceS / unitS)}${letter}`;
  return deltaS > 0 ? `${amount} ago` : `in ${amount}`;
}

/** `14:03:22` in the local zone, for lines that stay on the screen while time goes on. */
export function clockTime(unixMs: number): string {
  const at = new Date(unixMs);
  return [at.getHours(), at.getMinutes(), at.getSeconds()]
    .map((part) => String(part).padStart(2, "0"))
    .join(":");
}
