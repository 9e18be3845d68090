/** What is known of a request before its body. */
export interface RequestHead {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: ReadonlyMap<string, string>;
  readonly remoteAddress: string;
}

const LENGTH = /^\d{1,15}$/;

/**
 * The length of the body, 0 when there is none; undefined when it comes in chunks; "unclear" when two parsers could see
 * different ends of this body, which is how requests are smuggled past proxies.
 */
export function declaredLength(headers: ReadonlyMap<string, string>): number | undefined | "unclear" {
  const length = headers.get("content-length");
  const coding = headers.get("transfer-encoding");
  if (coding !== undefined) {
    return length === undefined && coding.toLowerCase() === "chunked" ? undefined : "unclear";
  }
  if (length === undefined) return 0;
  return LENGTH.test(length) ? Number(length) : "unclear";
}

/** Adds a header as `HttpRequest.headers` has them. */
export function addHeader(headers: Map<string, string>, lowerCaseName: string, value: string): void {
  const before = headers.get(lowerCaseName);
  headers.set(lowerCaseName, before === undefined ? value : `${before}, ${value}`);
}
