/** How the process itself does. */
export interface Vitals {
  uptimeS(): number;
  residentBytes(): number;
  /** User and system, of all threads, since the start. */
  cpuUs(): number;
  /** How late the event loop came, 99th percentile since the last call; for one caller alone. */
  loopDelayUs(): number;
}
