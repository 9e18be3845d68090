export interface OutboundRequest {
  readonly method: "GET" | "POST" | "PUT" | "DELETE";
  /** http or https, without user and password. */
  readonly url: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array | string;
  /** Until the whole answer is there; of a stream until its head is. */
  readonly timeoutMs: number;
  /** Of the answer's body, uncompressed. */
  readonly maxBytes: number;
  /** How many redirects are followed; absent = none: the redirect itself is the answer. */
  readonly maxRedirects?: number;
  readonly signal?: AbortSignal;
}

export interface OutboundHead {
  readonly status: number;
  /** Names in lower case; repeated ones are joined by a comma. */
  readonly headers: Readonly<Record<string, string>>;
  /** Who answered, after redirects. */
  readonly url: string;
}

export interface OutboundAnswer extends OutboundHead {
  readonly body: Uint8Array;
}

export interface OutboundStream extends OutboundHead {
  /** The body as it comes. Who stops reading ends the call. @throws MeshError too_large, unavailable */
  readonly chunks: AsyncIterable<Uint8Array>;
}

/**
 * HTTP to servers that somebody named from outside.
 *
 * Guarantees of every engine:
 * - It connects to public addresses alone, and to those that the operator allows: checked after the name is resolved,
 *   of the very address that is connected to, again with every redirect.
 * - A redirect never leads from https to http; to another origin it takes along no header that could be a secret.
 * - Time, sizes, redirects and connections to one host are bounded.
 *
 * Every status is an answer. @throws MeshError invalid_argument for what is no such URL, permission_denied for an
 * address that is not called, too_large, unavailable for a server that cannot be reached, is late, or breaks off
 */
export interface OutboundHttp {
  request(request: OutboundRequest): Promise<OutboundAnswer>;
  /** `idleMs` is the longest wait for the next piece. */
  stream(request: OutboundRequest & { readonly idleMs: number }): Promise<OutboundStream>;
  /**
   * Whether it would be called, as far as can be known without calling: a name that nobody can look up now passes.
   * @throws MeshError invalid_argument also for a name that has no address, permission_denied
   */
  check(url: string): Promise<void>;
}

export type OpenOutboundHttp = OutboundHttp & AsyncDisposable;
