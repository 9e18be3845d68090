import {
  type Call,
  callFromRequest,
  type HttpRequest,
  openCallFromRequest,
  type RegistryApi,
  type RpcContext,
} from "../../src/adapter-kit.ts";
import { invalidParams } from "./a2a-error.ts";
import type { Asked } from "./asked.ts";
import { activatedExtensions } from "./extensions.ts";

/** What every binding knows of a caller: HTTP headers, or the metadata of gRPC. */
export type Incoming = Pick<HttpRequest & RpcContext, "headers" | "remoteAddress" | "signal">;

const SEQUENCE = /^\d{1,15}$/;

/**
 * Who calls, and with which extensions. Without a token it is a stranger: whether that may be is up to what
 * is called.
 * @throws MeshError unauthenticated for a wrong token, rate_limited; A2aError INVALID_PARAMS
 */
export async function askedFrom(
  incoming: Incoming,
  address: Pick<Asked, "base" | "version">,
  registry: Pick<RegistryApi, "authenticate">,
): Promise<Asked> {
  const { headers } = incoming;
  return {
    ...address,
    call: await callOf(incoming, registry),
    extensions: activatedExtensions(headers),
    after: sequenceFrom(headers.get("last-event-id")),
  };
}

function callOf(incoming: Incoming, registry: Pick<RegistryApi, "authenticate">): Call | Promise<Call> {
  return incoming.headers.has("authorization")
    ? callFromRequest(incoming, registry)
    : openCallFromRequest(incoming);
}

function sequenceFrom(text: string | undefined): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (SEQUENCE.test(text)) return Number(text);
  throw invalidParams({ field: "Last-Event-ID", description: "is not the id of an event of this stream" });
}
