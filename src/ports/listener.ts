/**
 * What a listener (sockets and framing) and the faces on it agree on. A neutral request/response pair: every
 * listener fills it, no face knows which one.
 */

export interface HttpRequest {
  /** Upper case. */
  readonly method: string;
  /** Percent-encoded as received, without the query; starts with "/". */
  readonly path: string;
  /** Without "?"; "" when there is none. */
  readonly query: string;
  /** Names in lower case; repeated ones joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly remoteAddress: string;
  /** Aborted when the client went away. */
  readonly signal: AbortSignal;
  /**
   * The whole body, read once. The listener counts bytes while reading.
   * @throws MeshError too_large, or unavailable when the client went away or was too slow
   */
  body(): Promise<Uint8Array>;
}

interface ResponseStart {
  readonly status: number;
  /** Names in lower case. content-length is the listener's. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface WholeResponse extends ResponseStart {
  readonly body: Uint8Array | string;
}

/**
 * The body comes part by part as it comes to be. The listener sends a part at once, and asks for the next one when the
 * client took enough of those before; it calls `return` when the client went away, so that a generator's `finally`
 * runs. One that throws cuts the connection: the client must not take a part for the whole.
 */
export interface StreamedResponse extends ResponseStart {
  readonly body: AsyncIterable<Uint8Array>;
}

export type HttpResponse = WholeResponse | StreamedResponse;

/** Never rejects: a face turns errors into answers of its own dialect. */
export type HttpHandler = (request: HttpRequest) => Promise<HttpResponse>;

/** One operation of a face on the HTTP port. */
export interface Route {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  /** Segments; `:name` takes one segment, which arrives percent-decoded in `params`. */
  readonly path: string;
  /** Never rejects. */
  readonly handle: (request: HttpRequest, params: Readonly<Record<string, string>>) => Promise<HttpResponse>;
}

/** A WebSocket, as the session sees it. */
export interface SocketConnection {
  readonly remoteAddress: string;
  /**
   * Takes the frame always, bytes as binary, a string as text; `full` means: wait for `drained` before more. All
   * frames of one turn of the event loop leave together, so a frame must not be changed after it was given.
   * A session that goes on sending four frames' worth past `full` is cut. Never throws.
   */
  send(frame: Uint8Array | string): "ready" | "full" | "closed";
  /** Ends the connection after what was sent. Code and reason: RFC 6455, section 7.4. */
  close(code: number, reason: string): void;
}

/**
 * The session behind a WebSocket. Methods must not throw: one that does ends the connection with 1011. None is
 * called from within a call on the connection.
 */
export interface SocketSession {
  /** `data` is the session's own copy. Not called any more after the session closed the connection. */
  message(data: Uint8Array, isBinary: boolean): void;
  /** Called once after `full` was said, when at most half of the high water is unsent. */
  drained(): void;
  /**
   * The other side will send no more, yet listens: answer what it sent, then close with 1000. Only wires that know
   * such a state call it; absent, the wire closes at once.
   */
  finish?(): void;
  /** Called exactly once, whoever ended the connection. */
  closed(): void;
}

export interface SocketUpgrade {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly query: string;
  readonly remoteAddress: string;
}

/** Decides on an upgrade: the subprotocol to answer with ("" = none) and the session to open, or a refusal. */
export type SocketDecision =
  | {
      readonly kind: "accept";
      readonly subprotocol: string;
      open(connection: SocketConnection): SocketSession;
    }
  | { readonly kind: "refuse"; readonly response: HttpResponse };

/** Synchronous, because the native request is gone after the first await. */
export type SocketHandler = (upgrade: SocketUpgrade) => SocketDecision;

/** PEM files. Read at the start and at each reload. */
export interface TlsFiles {
  readonly certPath: string;
  readonly keyPath: string;
}

export interface ListenerOptions {
  readonly host: string;
  /** 0 = any free port. */
  readonly port: number;
  readonly http: HttpHandler;
  readonly socketPath: string;
  readonly socket: SocketHandler;
  /** A larger body gets too_large and is drained. */
  readonly maxBodyBytes: number;
  readonly maxFrameBytes: number;
  /** A socket is full above this many unsent bytes. */
  readonly socketHighWaterBytes: number;
  /** Speak TLS; absent = plain text. */
  readonly tls?: TlsFiles;
  /**
   * Whether what a proxy at this address says of the client's address is believed: X-Forwarded-For, and a PROXY
   * protocol header. Absent = nobody is.
   */
  readonly isTrustedProxy?: (address: string) => boolean;
  /**
   * Each connection of a trusted proxy begins with a PROXY protocol header; one that does not is cut. What others
   * connect is taken as it comes.
   */
  readonly expectsProxyHeader?: boolean;
  /** A socket that is silent for so long is dead; it is pinged before. From 8 s to 960 s; default 120 s. */
  readonly socketSilenceMs?: number;
  /** A body that takes longer makes `body()` throw unavailable. Default 30 s. */
  readonly bodyTimeoutMs?: number;
  /** Told about what a handler or a session threw against its contract. Must not throw. */
  readonly onError: (error: unknown) => void;
}

export interface Listener {
  /** The real port. */
  readonly port: number;
  /**
   * Reads the certificate files again, for connections from now on; those that are open go on.
   * @throws MeshError invalid_argument when they are no fit pair; the old ones stay in use then
   */
  reloadTls(): Promise<void>;
  /** Stops accepting; open requests and sockets go on. */
  stopAccepting(): void;
  /** Closes all that is open. */
  close(): Promise<void>;
}
