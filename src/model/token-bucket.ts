/** How full a bucket was, and when. */
export interface Bucket {
  readonly tokens: number;
  readonly atMs: number;
}

export interface BucketRate {
  /** It never holds more. */
  readonly burst: number;
  readonly perMinute: number;
}

const MINUTE_MS = 60_000;

export function fullBucket(rate: BucketRate, nowMs: number): Bucket {
  return { tokens: rate.burst, atMs: nowMs };
}

/** The bucket with what has run in since; a clock that went back adds nothing. */
export function refillBucket(bucket: Bucket, rate: BucketRate, nowMs: number): Bucket {
  return { tokens: tokensAt(bucket, rate, nowMs), atMs: Math.max(nowMs, bucket.atMs) };
}

function tokensAt(bucket: Bucket, rate: BucketRate, nowMs: number): number {
  const elapsedMs = Math.max(0, nowMs - bucket.atMs);
  return Math.min(rate.burst, bucket.tokens + (elapsedMs * rate.perMinute) / MINUTE_MS);
}

/** Refills the bucket in place and takes one token out of it; false when it holds none. For the hot path. */
export function drawToken(
  bucket: { -readonly [K in keyof Bucket]: Bucket[K] },
  rate: BucketRate,
  nowMs: number,
): boolean {
  bucket.tokens = tokensAt(bucket, rate, nowMs);
  bucket.atMs = Math.max(nowMs, bucket.atMs);
  if (bucket.tokens < 1) return false;
  bucket.tokens -= 1;
  return true;
}

/** Takes one token out of a refilled bucket; the same bucket when it holds none. */
export function takeToken(bucket: Bucket): Bucket {
  return bucket.tokens < 1 ? bucket : { tokens: bucket.tokens - 1, atMs: bucket.atMs };
}

/** Whole seconds until a refilled bucket holds one token; at least 1. */
export function retryAfterS(bucket: Bucket, rate: BucketRate): number {
  const missing = Math.max(0, 1 - bucket.tokens);
  return Math.max(1, Math.ceil((missing * MINUTE_MS) / rate.perMinute / 1_000));
}
