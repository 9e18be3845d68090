import type { ConnectError } from "@connectrpc/connect";
import { encodeEnvelope } from "@connectrpc/connect/protocol";
import {
  codeToHttpStatus,
  createEndStreamSerialization,
  endStreamFlag,
  errorToJsonBytes,
} from "@connectrpc/connect/protocol-connect";
import { setTrailerStatus, trailerFlag, trailerSerialize } from "@connectrpc/connect/protocol-grpc-web";
import type { MeshError } from "../../model/errors.ts";
import type { HttpRequest, HttpResponse } from "../../ports/listener.ts";
import { connectErrorFromMeshError } from "./errors.ts";

/** The protocol that a request speaks, by its content type. */
export type Wire = "connect-unary" | "connect-stream" | "grpc-web" | "unknown";

const WIRES: readonly (readonly [type: RegExp, wire: Wire])[] = [
  [/^application\/(json|proto)\s*(;|$)/i, "connect-unary"],
  [/^application\/connect\+(json|proto)\s*(;|$)/i, "connect-stream"],
  [/^application\/grpc-web(\+(json|proto))?\s*(;|$)/i, "grpc-web"],
];

export function wireFromRequest(request: HttpRequest): Wire {
  const type = request.headers.get("content-type") ?? "";
  return WIRES.find(([pattern]) => pattern.test(type))?.[1] ?? "unknown";
}

const endStream = createEndStreamSerialization(undefined);

/**
 * An answer to a request that reached no handler, as its protocol says it. `status`: of the answers that carry their
 * error in an HTTP status.
 */
export function refusalFromError(request: HttpRequest, error: MeshError, status?: number): HttpResponse {
  const refusal = connectErrorFromMeshError(error);
  const type = request.headers.get("content-type") ?? "";
  const wire = wireFromRequest(request);
  if (wire === "connect-stream") {
    const data = endStream.serialize({ metadata: new Headers(), error: refusal });
    return { status: 200, headers: { "content-type": type }, body: encodeEnvelope(endStreamFlag, data) };
  }
  if (wire === "grpc-web") {
    const data = trailerSerialize(setTrailerStatus(new Headers(), refusal));
    return { status: 200, headers: { "content-type": type }, body: encodeEnvelope(trailerFlag, data) };
  }
  return {
    status: status ?? codeToHttpStatus(refusal.code),
    headers: { ...Object.fromEntries(refusal.metadata), "content-type": "application/json" },
    body: bodyFromError(refusal),
  };
}

function bodyFromError(error: ConnectError): Uint8Array {
  return errorToJsonBytes(error, undefined);
}
