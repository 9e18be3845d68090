import { ANONYMOUS, type Call, unauthenticated } from "../model/principal.ts";
import { traceContextFromText } from "../model/traceparent.ts";
import type { RegistryApi } from "./registry-api.ts";

/** What every request says of its caller: on HTTP, on the native wires, in an upgrade. */
export interface CallerHeaders {
  /** Names in lower case. */
  readonly headers: ReadonlyMap<string, string>;
  readonly remoteAddress: string;
  readonly signal: AbortSignal;
}

/** The call of a known caller. @throws MeshError unauthenticated without a valid token, rate_limited */
export async function callFromRequest(
  request: CallerHeaders,
  registry: Pick<RegistryApi, "authenticate">,
): Promise<Call> {
  const bearer = bearerFromHeader(request.headers.get("authorization"));
  const principal = await registry.authenticate(bearer, request.remoteAddress);
  if (principal.kind === "anonymous") throw unauthenticated();
  return { ...openCallFromRequest(request), principal };
}

/** The call of whom a ticket stands for; it is spent by this. @throws MeshError unauthenticated, rate_limited */
export async function callFromTicket(
  request: CallerHeaders,
  ticket: string,
  registry: Pick<RegistryApi, "redeemTicket">,
): Promise<Call> {
  const principal = await registry.redeemTicket(ticket, request.remoteAddress);
  return { ...openCallFromRequest(request), principal };
}

/** A call that takes no token, and does not look at one. */
export function openCallFromRequest({ headers, remoteAddress, signal }: CallerHeaders): Call {
  const call = { principal: ANONYMOUS, signal, remoteAddress };
  const traceparent = headers.get("traceparent");
  // A broken one is as none.
  if (traceparent === undefined || traceContextFromText(traceparent) === undefined) return call;
  return { ...call, traceparent };
}

const BEARER = /^bearer +([^\s,]+)\s*$/i;

/** undefined = none was sent. @throws MeshError unauthenticated for another scheme or an empty token */
export function bearerFromHeader(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw unauthenticated();
  return token;
}
