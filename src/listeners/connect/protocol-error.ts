import { Code, ConnectError } from "@connectrpc/connect";
import type { UniversalServerResponse } from "@connectrpc/connect/protocol";
import { endStreamFromJson, errorFromJsonBytes } from "@connectrpc/connect/protocol-connect";
import { findTrailerError } from "@connectrpc/connect/protocol-grpc";
import { trailerParse } from "@connectrpc/connect/protocol-grpc-web";
import { MeshError } from "../../model/errors.ts";
import type { HttpRequest, HttpResponse } from "../../ports/listener.ts";
import { refusalFromError, type Wire, wireFromRequest } from "./refusal.ts";
import { bytesFrom } from "./universal.ts";

const UNSUPPORTED_MEDIA_TYPE = 415;
/** In front of a message: flags and length. */
const ENVELOPE_HEAD_BYTES = 5;
const COMPRESSED_FLAG = 1;
const CONTENT_TYPES =
  "application/json, application/proto, application/connect+json, application/connect+proto, " +
  "application/grpc-web+proto, application/grpc-web+json";

/**
 * The library refused a request before any handler saw it. Its answer says what, but takes broken bytes for a fault of
 * the server, and knows no hints: those are put right here.
 */
export async function refusalFromProtocol(
  request: HttpRequest,
  response: UniversalServerResponse,
): Promise<HttpResponse> {
  const headers = Object.fromEntries(response.header ?? new Headers());
  if (response.status === UNSUPPORTED_MEDIA_TYPE) return wrongContentType(request);
  const body = response.body === undefined ? new Uint8Array(0) : await bytesFrom(response.body);
  const error = readError(wireFromRequest(request), body);
  const refined = error === undefined ? undefined : meshErrorFromProtocol(error);
  if (refined === undefined) return { status: response.status, headers, body };
  return refusalFromError(request, refined);
}

/** What `curl -d` sends when it is not told what it sends gets here too. */
function wrongContentType(request: HttpRequest): HttpResponse {
  const type = request.headers.get("content-type") ?? "";
  const error = new MeshError(
    "invalid_argument",
    `the content type ${JSON.stringify(type.slice(0, 80))} does not fit`,
    {
      hint: "send application/json for a call with one answer, application/connect+json for a stream; gRPC has a port of its own",
    },
  );
  const refusal = refusalFromError(request, error, UNSUPPORTED_MEDIA_TYPE);
  return { ...refusal, headers: { ...refusal.headers, "accept-post": CONTENT_TYPES } };
}

/** The error in an answer of the library; undefined when it has none that can be read. */
function readError(wire: Wire, body: Uint8Array): ConnectError | undefined {
  const fallback = new ConnectError("", Code.Unknown);
  try {
    if (wire === "connect-unary") return errorFromJsonBytes(body, undefined, fallback);
    if (((body[0] ?? 0) & COMPRESSED_FLAG) !== 0) return undefined;
    const end = body.subarray(ENVELOPE_HEAD_BYTES);
    return wire === "grpc-web" ? findTrailerError(trailerParse(end)) : endStreamFromJson(end).error;
  } catch {
    // Not what the library writes today: its own answer goes out as it is.
    return undefined;
  }
}

const SCHEMA_HINT = "encode with the schema in proto/meshkore/v1";
/** How the library begins to say that JSON does not fit; what follows is the parser's own when it is no JSON at all. */
const NO_JSON = /^cannot decode message \S+ from JSON: (?!key ").*\bJSON\b/;

/** undefined: nothing to be put right. */
function meshErrorFromProtocol({ code, rawMessage }: ConnectError): MeshError | undefined {
  if (code === Code.ResourceExhausted) {
    return new MeshError("too_large", rawMessage, { hint: "send less at once" });
  }
  if (code === Code.Internal) return new MeshError("malformed", rawMessage, { hint: SCHEMA_HINT });
  if (code !== Code.InvalidArgument) return undefined;
  if (rawMessage.startsWith("protocol error")) {
    return new MeshError("invalid_argument", rawMessage, {
      hint: "clients of connectrpc.com and of gRPC-Web speak it; by hand, send application/json",
    });
  }
  if (NO_JSON.test(rawMessage)) {
    return new MeshError("malformed", rawMessage, { hint: "send one JSON object in UTF-8" });
  }
  if (rawMessage.startsWith("cannot decode")) {
    return new MeshError("invalid_argument", rawMessage, {
      hint: "the fields, in lowerCamelCase or as in the schema, are those of proto/meshkore/v1",
    });
  }
  return new MeshError("malformed", rawMessage, { hint: SCHEMA_HINT });
}
