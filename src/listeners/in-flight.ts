import type { HttpHandler, HttpResponse } from "../ports/listener.ts";

/** Counts requests that are being answered, so that a hub that stops can let them finish. */
export interface InFlight {
  readonly handler: HttpHandler;
  /** From now on new requests are refused; answers when none of the others is left, or after `limitMs`. */
  drain(limitMs: number): Promise<void>;
}

/** @param refusal the answer to requests that come on open connections while the hub drains */
export function createInFlight(handler: HttpHandler, refusal: HttpResponse): InFlight {
  let count = 0;
  let isDraining = false;
  let whenIdle: (() => void) | undefined;

  return {
    async handler(request) {
      if (isDraining) return refusal;
      count += 1;
      try {
        return await handler(request);
      } finally {
        count -= 1;
        if (count === 0) whenIdle?.();
      }
    },
    async drain(limitMs) {
      isDraining = true;
      if (count === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      whenIdle = resolve;
      const timer = setTimeout(resolve, limitMs);
      await promise;
      clearTimeout(timer);
    },
  };
}
