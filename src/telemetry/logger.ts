import { type DestinationStream, pino } from "pino";
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

/** API keys, the operator's token and JWTs, wherever in a line they stand: the message of an error may quote its input. */
const CREDENTIALS = /\bmka?_[\w-]{16,}|\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]{8,}/g;
const CENSOR = "[redacted]";

/**
 * The structured log: one JSON object a line on stderr, since stdout belongs to the ready line. Errors are written
 * with their cause; fields that are named as secrets, and texts that look like credentials, are cut out.
 */
export function createLogger(
  level: "debug" | "info" | "warn" | "error" | "silent",
  destination: DestinationStream = pino.destination({ fd: 2, sync: true }),
): Logger {
  const log = pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      messageKey: "event",
      formatters: { level: (label) => ({ level: label }) },
      serializers: { error: pino.stdSerializers.errWithCause },
      redact: { paths: REDACTED.flatMap((name) => [name, `*.${name}`]), censor: CENSOR },
      hooks: { streamWrite: (line) => line.replace(CREDENTIALS, CENSOR) },
    },
    destination,
  );
  return {
    debug: (event, fields) => log.debug(fields ?? {}, event),
    info: (event, fields) => log.info(fields ?? {}, event),
    warn: (event, fields) => log.warn(fields ?? {}, event),
    error: (event, fields) => log.error(fields ?? {}, event),
  };
}
