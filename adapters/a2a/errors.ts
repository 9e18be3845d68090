import { create } from "@bufbuild/protobuf";
import { anyPack, durationFromMs } from "@bufbuild/protobuf/wkt";
import {
  type ErrorCode,
  type HttpResponse,
  type JsonObject,
  type Logger,
  loggedMeshError,
  MeshError,
  retryAfterFromError,
} from "../../src/adapter-kit.ts";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../src/gen/google/rpc/error_details_pb.js";
import { A2aError } from "./a2a-error.ts";
import {
  type A2aReason,
  ERROR_TABLE,
  type ErrorRow,
  isOwnReason,
  type OwnReason,
  RPC_STATUS,
} from "./error-table.ts";

const PROTOCOL_DOMAIN = "a2a-protocol.org";
const OWN_DOMAIN = "meshkore.dev";
const TYPE_PREFIX = "type.googleapis.com/";
const TABLE = ERROR_TABLE["1.0.1"];

/** What an error of the hub is in A2A's words, where the operation does not know better. */
const REASON_FROM_CODE: Readonly<Record<ErrorCode, A2aReason>> = {
  malformed: "INVALID_PARAMS",
  invalid_argument: "INVALID_PARAMS",
  unauthenticated: "UNAUTHENTICATED",
  permission_denied: "PERMISSION_DENIED",
  not_found: "TASK_NOT_FOUND",
  already_exists: "INVALID_PARAMS",
  failed_precondition: "UNSUPPORTED_OPERATION",
  gone: "TASK_NOT_FOUND",
  gap: "RESUME_GAP",
  too_large: "TOO_LARGE",
  rate_limited: "RATE_LIMITED",
  quota_exceeded: "RATE_LIMITED",
  inbox_full: "INBOX_FULL",
  storage_full: "UNAVAILABLE",
  unavailable: "UNAVAILABLE",
  unimplemented: "UNSUPPORTED_OPERATION",
  internal: "INTERNAL_ERROR",
};

/** What metrics and access logs count errors by: of the hub's own its code, of others the one that goes with the status. */
const CODE_FROM_OWN: Readonly<Record<OwnReason, ErrorCode>> = {
  UNAUTHENTICATED: "unauthenticated",
  PERMISSION_DENIED: "permission_denied",
  AGENT_NOT_FOUND: "not_found",
  RESUME_GAP: "gap",
  TOO_LARGE: "too_large",
  RATE_LIMITED: "rate_limited",
  INBOX_FULL: "inbox_full",
  UNAVAILABLE: "unavailable",
};
const CODE_FROM_STATUS: Readonly<Record<ErrorRow["grpc"], ErrorCode>> = {
  INVALID_ARGUMENT: "invalid_argument",
  NOT_FOUND: "not_found",
  PERMISSION_DENIED: "permission_denied",
  RESOURCE_EXHAUSTED: "rate_limited",
  FAILED_PRECONDITION: "failed_precondition",
  OUT_OF_RANGE: "gap",
  UNIMPLEMENTED: "unimplemented",
  INTERNAL: "internal",
  UNAVAILABLE: "unavailable",
  UNAUTHENTICATED: "unauthenticated",
};

/** Takes anything thrown; an internal error goes to the hub's log with its cause, named by the operation. */
export function a2aErrorFromThrown(thrown: unknown, operation: string, logger: Logger): A2aError {
  if (thrown instanceof A2aError) return thrown;
  const error = loggedMeshError(thrown, { adapter: "a2a", operation }, logger);
  return a2aErrorFromMesh(error, REASON_FROM_CODE[error.code]);
}

/** The hub's error under a reason that the operation knows. */
export function a2aErrorFromMesh(error: MeshError, reason: A2aReason): A2aError {
  return new A2aError(reason, error.message, {
    metadata: { code: error.code, ...(error.hint !== undefined && { hint: error.hint }) },
    retryAfterS: retryAfterFromError(error),
    cause: error,
  });
}

/** `{code, message, data}` of a JSON-RPC response. */
export function jsonRpcErrorFrom(error: A2aError): JsonObject {
  return { code: TABLE[error.reason].jsonRpc, message: error.message, data: detailsOf(error) };
}

/**
 * The HTTP status of a JSON-RPC answer: errors of the protocol are answers like any other; what the hub says before it
 * looks at the call (who are you, not so fast) also tells proxies and clients that know HTTP alone.
 */
export function jsonRpcStatusFrom({ reason }: A2aError): number {
  return isOwnReason(reason) ? TABLE[reason].http : 200;
}

/** `{error: {code, status, message, details}}`, as HTTP+JSON has it. */
export function httpErrorBody(error: A2aError): JsonObject {
  const { http, grpc } = TABLE[error.reason];
  return { error: { code: http, status: grpc, message: error.message, details: detailsOf(error) } };
}

export function httpStatusFrom({ reason }: A2aError): number {
  return TABLE[reason].http;
}

/** What an error adds to the headers of its answer. */
export function headersFromError(error: A2aError): HttpResponse["headers"] {
  return {
    ...(error.retryAfterS !== undefined && { "retry-after": String(error.retryAfterS) }),
    ...(error.reason === "UNAUTHENTICATED" && { "www-authenticate": "Bearer" }),
  };
}

/** The error as the gRPC port takes it: its status, and ErrorInfo, BadRequest and RetryInfo in the details. */
export function rpcErrorFrom(error: A2aError): MeshError {
  const { reason, violations, retryAfterS } = error;
  const { grpc } = TABLE[reason];
  const info = create(ErrorInfoSchema, infoOf(error));
  const badRequest = create(BadRequestSchema, { fieldViolations: [...violations] });
  const retryDelay = retryAfterS === undefined ? undefined : durationFromMs(retryAfterS * 1000);
  const code = isOwnReason(reason) ? CODE_FROM_OWN[reason] : CODE_FROM_STATUS[grpc];
  return new MeshError(code, error.message, {
    rpc: {
      status: RPC_STATUS[grpc],
      details: [
        anyPack(ErrorInfoSchema, info),
        ...(violations.length === 0 ? [] : [anyPack(BadRequestSchema, badRequest)]),
        ...(retryDelay === undefined
          ? []
          : [anyPack(RetryInfoSchema, create(RetryInfoSchema, { retryDelay }))]),
      ],
    },
    ...(retryAfterS !== undefined && { retryAfterS }),
    ...(error.metadata["hint"] !== undefined && { hint: error.metadata["hint"] }),
    cause: error,
  });
}

interface Info {
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Record<string, string>;
}

function infoOf({ reason, metadata }: A2aError): Info {
  return { reason, domain: isOwnReason(reason) ? OWN_DOMAIN : PROTOCOL_DOMAIN, metadata: { ...metadata } };
}

function detailsOf(error: A2aError): readonly JsonObject[] {
  const { violations, retryAfterS } = error;
  const fieldViolations = violations.map(({ field, description }) => ({ field, description }));
  return [
    detail("ErrorInfo", { ...infoOf(error) }),
    ...(violations.length === 0 ? [] : [detail("BadRequest", { fieldViolations })]),
    ...(retryAfterS === undefined ? [] : [detail("RetryInfo", { retryDelay: `${retryAfterS}s` })]),
  ];
}

function detail(name: string, members: JsonObject): JsonObject {
  return { "@type": `${TYPE_PREFIX}google.rpc.${name}`, ...members };
}
