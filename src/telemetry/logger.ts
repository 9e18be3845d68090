import { pino } from "pino";
import type { Logger } from "../ports/logger.ts";

/** Fields whose values never reach the log, whatever they hold. */
const REDACTED = [
  "token",
  "apiKey",
  "api_key",
  "authorization",
  "secret",
  "payload",
  "adminToken",
  "nonce",
  "ticket",
];

/**
 * The structured log: one JSON object a line on stderr, since stdout belongs to the ready line. Errors are written
 * with their cause; named secrets are cut out.
 */
export function createLogger(level: "debug" | "info" | "warn" | "error" | "silent"): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: "event",
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.errWithCause },
      redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: "[redacted]" },
    },
    pino.destination({ fd: 2, sync: true }),
  );
  return {
    debug: (event, fields) => log.debug(fields ?? {}, event),
    info: (event, fields) => log.info(fields ?? {}, event),
    warn: (event, fields) => log.warn(fields ?? {}, event),
    error: (event, fields) => log.error(fields ?? {}, event),
  };
}
