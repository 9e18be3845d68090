const MAX_REASON_BYTES = 123;

/** Codes that an endpoint may send (RFC 6455, section 7.4); any other becomes 1011. */
export function sendableCloseCode(code: number): number {
  if (code >= 3000 && code <= 4999) return code;
  if (code >= 1000 && code <= 1014 && (code < 1004 || code > 1006)) return code;
  return 1011;
}

/** As much of the reason as a close frame can hold, cut between characters. */
export function fittingCloseReason(reason: string): string {
  if (reason.length * 3 <= MAX_REASON_BYTES) return reason;
  const { read } = new TextEncoder().encodeInto(reason, new Uint8Array(MAX_REASON_BYTES));
  return reason.slice(0, read);
}
