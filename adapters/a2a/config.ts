import { z } from "zod";

/** Bounds of the A2A faces. */
export const a2aConfig = z.strictObject({
  /** A blocking SendMessage answers with the task as it is by then; most proxies give up after a minute. */
  maxWaitMs: z.number().int().positive().default(55_000),
  /** Silence on a stream of server-sent events before a comment keeps the connection alive. */
  heartbeatMs: z.number().int().positive().default(15_000),
  /** How long whoever fetched a card may go on with it. */
  cardMaxAgeS: z.number().int().nonnegative().default(60),
});

export type A2aConfig = z.infer<typeof a2aConfig>;
