import { type MeshError, meshErrorFromUnknown } from "../model/errors.ts";
import type { Logger } from "../ports/logger.ts";

/**
 * Takes anything thrown; an internal error goes to the hub's log with its cause, `about` naming the adapter and what it
 * was asked for.
 */
export function loggedMeshError(
  thrown: unknown,
  about: Readonly<Record<string, string>>,
  logger: Logger,
): MeshError {
  const error = meshErrorFromUnknown(thrown);
  if (error.code === "internal") {
    const cause = error.cause ?? error;
    const reason = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause);
    logger.error("request.failed", { ...about, reason });
  }
  return error;
}
