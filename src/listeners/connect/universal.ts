import { type ContextKey, createContextKey, createContextValues } from "@connectrpc/connect";
import type { UniversalServerRequest, UniversalServerResponse } from "@connectrpc/connect/protocol";
import { createAsyncIterable } from "@connectrpc/connect/protocol";
import type { HttpRequest, HttpResponse } from "../../ports/listener.ts";

/** All that the protocols themselves look at. Others may hold what the library's headers do not take. */
const PROTOCOL_HEADERS = [
  "accept-encoding",
  "connect-accept-encoding",
  "connect-content-encoding",
  "connect-protocol-version",
  "connect-timeout-ms",
  "content-encoding",
  "content-type",
  "grpc-accept-encoding",
  "grpc-encoding",
  "grpc-timeout",
] as const;

const PRINTABLE = /^[\x20-\x7e]*$/;

/** One call on its way through the library. */
export interface ConnectCall {
  readonly request: HttpRequest;
  /** The request was read and understood: its handler was called. */
  isInvoked: boolean;
}

/** How a handler finds the call that it is called for. */
export const CALL: ContextKey<ConnectCall | undefined> = createContextKey<ConnectCall | undefined>(undefined);

export function universalFromRequest(call: ConnectCall, body: Uint8Array): UniversalServerRequest {
  const { method, path, headers, signal } = call.request;
  const header = new Headers();
  for (const name of PROTOCOL_HEADERS) {
    const value = headers.get(name);
    if (value !== undefined && PRINTABLE.test(value)) header.set(name, value);
  }
  return {
    httpVersion: "1.1",
    url: `http://hub${path}`,
    method,
    header,
    body: createAsyncIterable([body]),
    signal,
    contextValues: createContextValues().set(CALL, call),
  };
}

/** The pair of `universalFromRequest`. An answer of one message is sent whole. */
export async function responseFromUniversal(
  { status, header, body }: UniversalServerResponse,
  isStream: boolean,
): Promise<HttpResponse> {
  const headers = Object.fromEntries(header ?? new Headers());
  if (body === undefined) return { status, headers, body: "" };
  return isStream ? { status, headers, body } : { status, headers, body: await bytesFrom(body) };
}

export async function bytesFrom(body: AsyncIterable<Uint8Array>): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  for await (const part of body) parts.push(part);
  const [first] = parts;
  return first !== undefined && parts.length === 1 ? first : Buffer.concat(parts);
}
