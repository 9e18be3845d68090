import type { ServerHttp2Session } from "node:http2";
import type { Duplex } from "node:stream";

/** What is still to be written, such as the reason in GOAWAY, has this long to leave. */
const LAST_WORDS_MS = 2000;

/**
 * Makes `destroy` of the session wait for the end of the event loop's turn, and has it end the connection in any case.
 *
 * Node's HTTP/2 aborts the whole process when a session is destroyed while a piece of what came is still being read:
 * the next frames of a new stream in that piece find no listener (nodejs/node#64850; `onread->IsFunction()`). Node
 * itself does so when a client says GOAWAY with an error, so one small packet of a stranger ends an unguarded server.
 *
 * A destroyed session closes its connection when its last write is done. Through TLS that may be never: a write that
 * fails because the client is gone can end without a word to the session, which has stopped reading while it writes.
 * Then only the pings notice that nobody is there, and only cutting the connection lets go of it.
 */
export function destroyLater(session: ServerHttp2Session, connection: Duplex): void {
  const destroy = session.destroy.bind(session);
  let isAsked = false;
  session.destroy = (error, code) => {
    if (isAsked) return;
    isAsked = true;
    setImmediate(() => destroy(error, code));
    if (connection.closed) return;
    const late = setTimeout(() => connection.destroy(), LAST_WORDS_MS);
    connection.once("close", () => clearTimeout(late));
  };
}
