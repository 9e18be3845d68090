import type { IncomingMessage, RequestListener } from "node:http";
import type { ListenerOptions } from "../../ports/listener.ts";
import { BODY_TIMEOUT_MS } from "../listener-limits.ts";
import { declaredLength, type RequestHead } from "../request-head.ts";
import { NodeExchange } from "./exchange.ts";
import type { Upgrades } from "./upgrades.ts";

export interface RequestDeps {
  readonly headOf: (request: IncomingMessage) => RequestHead;
  readonly upgrades: Upgrades;
  readonly isAccepting: () => boolean;
}

/** Serves every request that is not upgraded. */
export function createRequestHandler(
  options: ListenerOptions,
  { headOf, upgrades, isAccepting }: RequestDeps,
): RequestListener {
  const settings = {
    maxBodyBytes: options.maxBodyBytes,
    bodyTimeoutMs: options.bodyTimeoutMs ?? BODY_TIMEOUT_MS,
    isAccepting,
  };
  return (message, response) => {
    const head = headOf(message);
    const declaredBytes = declaredLength(head.headers);
    if (declaredBytes === "unclear") {
      response.writeHead(400, { connection: "close" }).end("the end of the body is not clear");
      return;
    }
    const exchange = new NodeExchange(message, response, { head, declaredBytes }, settings);
    const refusal = message.headers.upgrade === undefined ? undefined : upgrades.refusalOf(message);
    void exchange.run(refusal === undefined ? options.http : async () => refusal, options.onError);
  };
}
