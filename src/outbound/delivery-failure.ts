import { MeshError, type MeshErrorOptions } from "../model/errors.ts";
import type { OutboundHead } from "../ports/outbound-http.ts";

export interface FailureOptions extends MeshErrorOptions {
  /** Trying again as it is cannot help. */
  readonly isFinal?: boolean;
  /** The server did answer: it is up, whatever it thinks of this delivery. */
  readonly isAnswer?: boolean;
}

/** Why one attempt to deliver failed. Its message is the reason that is told to whoever it was for. */
export class DeliveryFailure extends Error {
  override readonly name = "DeliveryFailure";
  readonly isFinal: boolean;
  readonly isAnswer: boolean;
  /** What the server asked for; undefined = it did not. */
  readonly retryAfterMs: number | undefined;

  constructor(reason: string, options: FailureOptions = {}) {
    super(reason, options.cause === undefined ? undefined : { cause: options.cause });
    this.isFinal = options.isFinal ?? false;
    this.isAnswer = options.isAnswer ?? false;
    this.retryAfterMs = options.retryAfterS === undefined ? undefined : options.retryAfterS * 1000;
  }
}

/** Refusals that stay: the address is not called, the URL is none, the answer does not fit. */
const FINAL_CODES: ReadonlySet<string> = new Set(["invalid_argument", "permission_denied", "too_large"]);

export function failureFromUnknown(thrown: unknown): DeliveryFailure {
  if (thrown instanceof DeliveryFailure) return thrown;
  if (thrown instanceof MeshError) {
    const { retryAfterS } = thrown;
    return new DeliveryFailure(thrown.message, {
      isFinal: FINAL_CODES.has(thrown.code),
      ...(retryAfterS === undefined ? {} : { retryAfterS }),
      cause: thrown,
    });
  }
  return new DeliveryFailure("the hub failed to deliver it", { cause: thrown });
}

/** What came instead of a success. `nowUnixMs` is for a Retry-After that is a date. */
export function failureFromStatus(
  { status, headers, url }: OutboundHead,
  nowUnixMs: number,
): DeliveryFailure {
  const retryAfterS = secondsFromRetryAfter(headers["retry-after"], nowUnixMs);
  return new DeliveryFailure(`${new URL(url).host} answered ${status}`, {
    // Gone is what a receiver says that wants no more; anything else may be set right by whoever runs it.
    isFinal: status === 410,
    isAnswer: status < 500 && status !== 429,
    ...(retryAfterS === undefined ? {} : { retryAfterS }),
  });
}

/** Seconds from now, of a number or a date (RFC 9110); undefined when it is neither. */
export function secondsFromRetryAfter(text: string | undefined, nowUnixMs: number): number | undefined {
  if (text === undefined) return undefined;
  if (/^\d{1,9}$/.test(text.trim())) return Number(text);
  const atUnixMs = /[A-Za-z]/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(atUnixMs) ? undefined : Math.max(0, Math.ceil((atUnixMs - nowUnixMs) / 1000));
}
