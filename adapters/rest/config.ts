import { z } from "zod";

/** REST has no settings of its own: its bounds are the hub's, and where it answers is fixed by its paths. */
export const restConfig = z.strictObject({});

export type RestConfig = z.infer<typeof restConfig>;
