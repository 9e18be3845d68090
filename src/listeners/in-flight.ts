import type { HttpHandler, HttpRequest, HttpResponse } from "../ports/listener.ts";

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
        ? { ...response, body: untilOver(response.body, answered) }
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

type Parts = AsyncIterable<Uint8Array>;

/** Nobody asks for the parts of an answer to HEAD. */
function comesInParts(
  request: HttpRequest,
  response: HttpResponse,
): response is HttpResponse & { readonly body: Parts } {
  return (
    request.method !== "HEAD" && typeof response.body === "object" && Symbol.asyncIterator in response.body
  );
}

/** The same parts; `over` is called once, when they ended in whatever way. */
function untilOver(parts: Parts, over: () => void): Parts {
  return {
    [Symbol.asyncIterator]() {
      const iterator = parts[Symbol.asyncIterator]();
      let end: (() => void) | undefined = over;
      const ended = (): void => {
        end?.();
        end = undefined;
      };
      return {
        async next() {
          try {
            const result = await iterator.next();
            if (result.done === true) ended();
            return result;
          } catch (thrown) {
            ended();
            throw thrown;
          }
        },
        async return() {
          ended();
          await iterator.return?.();
          return { done: true, value: undefined };
        },
      };
    },
  };
}
