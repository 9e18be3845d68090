import type { HttpResponse, ListenerOptions, SocketDecision } from "../ports/listener.ts";
import type { RequestHead } from "./request-head.ts";
import { INTERNAL_RESPONSE } from "./response-head.ts";

const SUBPROTOCOL = /^[\w!#$%&'*+.^`|~-]*$/;

/** What the socket handler decides, or a refusal when the request or the handler is not as it must be. Never throws. */
export function decideUpgrade(head: RequestHead, options: ListenerOptions): SocketDecision {
  if (head.headers.get("sec-websocket-version") !== "13") return { kind: "refuse", response: WRONG_VERSION };
  try {
    const { headers, query, remoteAddress } = head;
    const decision = options.socket({ headers, query, remoteAddress });
    if (decision.kind === "refuse" || SUBPROTOCOL.test(decision.subprotocol)) return decision;
    throw new TypeError("the subprotocol is not fit to be sent");
  } catch (error) {
    options.onError(error);
    return { kind: "refuse", response: INTERNAL_RESPONSE };
  }
}

const WRONG_VERSION: HttpResponse = {
  status: 426,
  headers: { "content-type": "application/json", "sec-websocket-version": "13" },
  body: JSON.stringify({
    error: {
      code: "invalid_argument",
      message: "only version 13 of the WebSocket protocol is spoken here",
      hint: "use a client of RFC 6455",
    },
  }),
};
