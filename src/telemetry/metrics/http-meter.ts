import type { Counter } from "prom-client";
import { type OpenCount, openCountOf } from "../../model/counts.ts";
import type { HttpHandler, HttpRequest, HttpResponse, Route } from "../../ports/listener.ts";
import type { Label } from "./catalogue.ts";
import { countedParts } from "./counted-parts.ts";
import type { Meters } from "./meters.ts";

/** Measures what the faces on the HTTP port answer. */
export interface HttpMeter {
  /** The routes of one face, measured. */
  routes(adapter: string, routes: readonly Route[]): readonly Route[];
  /** A handler of a face that has no routes, measured. */
  handler(adapter: string, handler: HttpHandler): HttpHandler;
  /** What is answered at once, counted. */
  answers(
    adapter: string,
    answer: (request: HttpRequest) => HttpResponse,
  ): (request: HttpRequest) => HttpResponse;
}

const CLASSES = ["1xx", "2xx", "3xx", "4xx", "5xx"] as const;

export function createHttpMeter(meters: Meters, streams: Map<string, OpenCount>): HttpMeter {
  const requests = meters.counter("mesh_http_requests_total");
  const seconds = meters.histogram("mesh_http_request_seconds");

  function meterOf(adapter: string): (startMs: number, response: HttpResponse) => HttpResponse {
    const took = seconds.labels({ adapter });
    const classes = childrenOf(requests, adapter);
    return (startMs, response) => {
      took.observe((performance.now() - startMs) / 1000);
      noteStatus(classes, response);
      return isWhole(response)
        ? response
        : { ...response, body: countedParts(response.body, openCountOf(streams, adapter)) };
    };
  }

  return {
    routes(adapter, routes) {
      const measured = meterOf(adapter);
      return routes.map((route) => ({
        ...route,
        handle: async (request, params) => {
          const startMs = performance.now();
          return measured(startMs, await route.handle(request, params));
        },
      }));
    },
    handler(adapter, handler) {
      const measured = meterOf(adapter);
      return async (request) => {
        const startMs = performance.now();
        return measured(startMs, await handler(request));
      };
    },
    answers(adapter, answer) {
      const classes = childrenOf(requests, adapter);
      return (request) => {
        const response = answer(request);
        noteStatus(classes, response);
        return response;
      };
    },
  };
}

function noteStatus(classes: readonly Counter.Internal[], { status }: HttpResponse): void {
  classes[Math.floor(status / 100) - 1]?.inc();
}

/** One series for each class of status, there from the start: a rate needs the 0 before the first error. */
function childrenOf(requests: Counter<Label>, adapter: string): Counter.Internal[] {
  return CLASSES.map((code) => {
    const child = requests.labels({ adapter, code });
    child.inc(0);
    return child;
  });
}

function isWhole(response: HttpResponse): response is HttpResponse & { readonly body: Uint8Array | string } {
  return typeof response.body === "string" || response.body instanceof Uint8Array;
}
