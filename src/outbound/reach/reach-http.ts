import { NO_SIGNAL } from "../../model/no-signal.ts";
import type { OutboundHttp, OutboundRequest } from "../../ports/outbound-http.ts";
import type { CallParties, Leave, Places } from "../places.ts";
import type { Targets } from "../targets.ts";

/**
 * HTTP to one reached agent: its calls take turns with those of all others, a stream only until it begins, and whoever
 * fails again and again is left alone. Waiting for a turn does not count against the time of a call.
 */
export interface ReachHttp extends OutboundHttp {
  /**
   * A place among the streams that are held at once, given up by calling the answer. Undefined = there is none for this
   * agent, or to this server: what the stream would tell is to be asked for now and then.
   */
  takeStream(url: string): Leave | undefined;
}

export interface ReachHttpDeps {
  readonly http: OutboundHttp;
  readonly targets: Targets;
  readonly streams: Places;
}

/** @param caller the agent in whose name the hub calls */
export function createReachHttp(caller: string, { http, targets, streams }: ReachHttpDeps): ReachHttp {
  const partiesOf = (url: string): CallParties => ({ caller: `reach ${caller}`, target: originOf(url) });
  const inTurn = <Answer extends { readonly status: number }>(
    { url, signal = NO_SIGNAL }: OutboundRequest,
    call: () => Promise<Answer>,
  ): Promise<Answer> => targets.run(partiesOf(url), signal, call, isBusy);
  return {
    request: (request) => inTurn(request, () => http.request(request)),
    stream: (request) => inTurn(request, () => http.stream(request)),
    check: (url) => http.check(url),
    takeStream: (url) => streams.take(partiesOf(url)),
  };
}

/** It is there, and cannot: as little as no answer. */
function isBusy({ status }: { readonly status: number }): boolean {
  return status >= 500 || status === 429;
}

/** What is no URL is called nowhere: the call says so. */
function originOf(url: string): string {
  return URL.canParse(url) ? new URL(url).origin : "";
}
