/** Time, so that tests can hold it. */
export interface Clock {
  /** Wall clock, ms since the Unix epoch. May jump; never decides order. */
  nowUnixMs(): number;
  /** Rises steadily, ms since some moment; for durations. */
  steadyMs(): number;
}
