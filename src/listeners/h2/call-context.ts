import type { Metadata } from "@grpc/grpc-js";
import type { RpcContext } from "../../ports/rpc.ts";
import { clientAddress } from "../client-address.ts";

/** What the wire's library gives of every kind of call. */
interface AnyCall {
  readonly metadata: Metadata;
  getPeer(): string;
  on(event: "cancelled", listener: () => void): unknown;
}

export type IsTrustedProxy = ((address: string) => boolean) | undefined;

/** The signal is aborted also after the call was answered, when nobody listens any more. */
export function contextFromCall(call: AnyCall, isTrustedProxy: IsTrustedProxy): RpcContext {
  const abort = new AbortController();
  call.on("cancelled", () => abort.abort());
  const headers = headersFromMetadata(call.metadata);
  const peer = addressFromPeer(call.getPeer());
  const forwardedFor = headers.get("x-forwarded-for");
  return {
    headers,
    remoteAddress: clientAddress({ peer, forwardedFor }, isTrustedProxy),
    signal: abort.signal,
  };
}

function headersFromMetadata(metadata: Metadata): ReadonlyMap<string, string> {
  const headers = new Map<string, string>();
  for (const [name, values] of Object.entries(metadata.toJSON())) {
    headers.set(
      name,
      values.map((value) => (typeof value === "string" ? value : toBase64(value))).join(", "),
    );
  }
  return headers;
}

/** A `…-bin` header, as it stood on the wire. */
function toBase64(value: Buffer): string {
  return value.toString("base64").replace(/=+$/, "");
}

/** Address and port, and no brackets around an IPv6 address. */
function addressFromPeer(peer: string): string {
  const end = peer.lastIndexOf(":");
  return end < 0 ? peer : peer.slice(0, end);
}
