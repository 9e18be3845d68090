import type { ServerHttp2Session } from "node:http2";

/**
 * Makes `destroy` of the session wait for the end of the event loop's turn.
 *
 * Node's HTTP/2 aborts the whole process when a session is destroyed while a piece of what came is still being read:
 * the next frames of a new stream in that piece find no listener (nodejs/node#64850; `onread->IsFunction()`). Node
 * itself does so when a client says GOAWAY with an error, so one small packet of a stranger ends an unguarded server.
 */
export function destroyLater(session: ServerHttp2Session): void {
  const destroy = session.destroy.bind(session);
  let isAsked = false;
  session.destroy = (error, code) => {
    if (isAsked) return;
    isAsked = true;
    setImmediate(() => destroy(error, code));
  };
}
