import type { Config } from "../config.ts";
import type { Clock } from "../ports/clock.ts";
import type { Logger } from "../ports/logger.ts";
import type { Vitals } from "../ports/vitals.ts";

/** What a hub is built from. */
export interface HubOptions {
  readonly config: Config;
  readonly version: string;
  readonly clock: Clock;
  readonly logger: Logger;
  readonly vitals: Vitals;
  /** Module URLs that every thread loads before anything else, as this one did by `node --import`. */
  readonly preloads: readonly string[];
  /** The log may hold what was refused: the process must end and start again. */
  readonly onFatal: (error: Error) => void;
}
