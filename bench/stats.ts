export type Summary = { median: number; min: number; max: number; count: number };

/** Linear interpolation between the two middle values; NaN for an empty list. */
export function median(values: readonly number[]): number {
  return percentile(Float64Array.from(values), 0.5);
}

/** Sorts `values` in place. `q` lies between 0 and 1. */
export function percentile(values: Float64Array, q: number): number {
  if (values.length === 0) return Number.NaN;
  values.sort();
  const at = (values.length - 1) * q;
  const low = values[Math.floor(at)] ?? Number.NaN;
  const high = values[Math.ceil(at)] ?? Number.NaN;
  return low + (high - low) * (at - Math.floor(at));
}

export function summaryOf(values: readonly number[]): Summary {
  const finite = values.filter(Number.isFinite);
  return {
    median: median(finite),
    min: finite.length > 0 ? Math.min(...finite) : Number.NaN,
    max: finite.length > 0 ? Math.max(...finite) : Number.NaN,
    count: finite.length,
  };
}

/** Three significant digits, with thousands separators; a dash when nothing was measured. */
export function formatNumber(value: number): string {
  if (!Number.isFinite(value)) return "-";
  const magnitude = Math.abs(value);
  if (magnitude >= 100) return Math.round(value).toLocaleString("en-US");
  if (magnitude >= 10) return value.toFixed(1);
  return value.toFixed(magnitude >= 1 ? 2 : 3);
}

export function formatSummary(summary: Summary): string {
  if (summary.count === 0) return "-";
  return `${formatNumber(summary.median)} [${formatNumber(summary.min)}..${formatNumber(summary.max)}]`;
}
