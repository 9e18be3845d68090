import type { HttpHandler } from "../ports/listener.ts";

/** Counts requests that are being answered, so that a hub that stops can let them finish. */
export interface InFlight {
  readonly handler: HttpHandler;
  /** Answers when none is left, or after `limitMs`. */
  idle(limitMs: number): Promise<void>;
}

export function createInFlight(handler: HttpHandler): InFlight {
  let count = 0;
  let whenIdle: (() => void) | undefined;

  return {
    async handler(request) {
      count += 1;
      try {
        return await handler(request);
      } finally {
        count -= 1;
        if (count === 0) whenIdle?.();
      }
    },
    async idle(limitMs) {
      if (count === 0) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      whenIdle = resolve;
      const timer = setTimeout(resolve, limitMs);
      await promise;
      clearTimeout(timer);
    },
  };
}
