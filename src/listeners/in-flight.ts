import { partsUntilOver } from "../model/parts.ts";
import type { HttpHandler, HttpRequest, HttpResponse, StreamedResponse } from "../ports/listener.ts";
import { isHeadOnly, isWhole } from "./whole-response.ts";

/** Counts requests that are being answered, so that a hub that stops can let them finish. */
export interface InFlight {
  readonly handler: HttpHandler;
  /** From now on new requests are refused; answers when none of the others is left, or after `limitMs`. */
  drain(limitMs: number): Promise<void>;
}

/**
 * An answer in parts counts until its last one.
 * @param refusal the answer to requests that come on open connections while the hub drains
 */
export function createInFlight(handler: HttpHandler, refusal: HttpResponse): InFlight {
  let count = 0;
  let isDraining = false;
  let whenIdle: (() => void) | undefined;

  function answered(): void {
    count -= 1;
    // In a later turn: in this one the listener has yet to write what ended just now.
    if (count === 0 && whenIdle !== undefined) setImmediate(whenIdle);
  }

  return {
    async handler(request) {
      if (isDraining) return refusal;
      count += 1;
      let response: HttpResponse | undefined;
      try {
        response = await handler(request);
      } finally {
        if (response === undefined || !comesInParts(request, response)) answered();
      }
      return comesInParts(request, response)
        ? { ...response, body: watched(response.body, answered) }
        : response;
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

function watched(parts: StreamedResponse["body"], over: () => void): StreamedResponse["body"] {
  return { [Symbol.asyncIterator]: () => partsUntilOver(parts[Symbol.asyncIterator](), over) };
}

/** Nobody asks for the parts of an answer that is its head alone. */
function comesInParts(request: HttpRequest, response: HttpResponse): response is StreamedResponse {
  return !isWhole(response) && !isHeadOnly(request.method, response.status);
}
