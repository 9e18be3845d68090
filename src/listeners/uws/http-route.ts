import type { ListenerOptions } from "../../ports/listener.ts";
import { BODY_TIMEOUT_MS } from "../listener-limits.ts";
import { declaredLength } from "../request-head.ts";
import { copyHead } from "./copied-head.ts";
import { UwsExchange } from "./exchange.ts";
import type { RouteHandler } from "./uws.d.ts";

/** Serves every request that is no upgrade. */
export function createHttpRoute(options: ListenerOptions, isAccepting: () => boolean): RouteHandler {
  const limits = {
    maxBodyBytes: options.maxBodyBytes,
    bodyTimeoutMs: options.bodyTimeoutMs ?? BODY_TIMEOUT_MS,
    isAccepting,
  };
  return (native, request) => {
    const head = copyHead(native, request, options.isTrustedProxy);
    const declared = declaredLength(head.headers);
    if (declared === "unclear") {
      native.writeStatus("400 Bad Request").end("the end of the body is not clear", true);
      return;
    }
    const exchange = new UwsExchange(native, head, limits, declared);
    void exchange.run(options.http, options.onError);
  };
}
