import { MeshError } from "./errors.ts";

/** Whom a stop cuts all at once is asked to come back within this, not all in one moment. */
const SPREAD_S = 5;

/** The refusal of a hub that stops. `hint`: what to do again. */
export function hubIsStopping(hint: string): MeshError {
  const retryAfterS = 1 + Math.floor(Math.random() * SPREAD_S);
  return new MeshError("unavailable", "the hub is stopping", { hint, retryAfterS });
}
