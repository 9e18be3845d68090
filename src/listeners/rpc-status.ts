import { create } from "@bufbuild/protobuf";
import { type ErrorDetail, ErrorDetailSchema } from "../gen/meshkore/v1/errors_pb.js";
import { ERROR_CODES, type ErrorCode, type MeshError, retryAfterFromError } from "../model/errors.ts";

/** Status codes of gRPC; Connect numbers its own the same way. */
export const RPC_CODE = {
  ok: 0,
  canceled: 1,
  invalidArgument: 3,
  notFound: 5,
  alreadyExists: 6,
  permissionDenied: 7,
  resourceExhausted: 8,
  failedPrecondition: 9,
  outOfRange: 11,
  unimplemented: 12,
  internal: 13,
  unavailable: 14,
  unauthenticated: 16,
} as const;

/**
 * The status of every error code, the same on gRPC, gRPC-Web and Connect. Several codes share a status: which one it
 * was stands in the ErrorDetail that goes with it.
 */
export const RPC_CODE_FROM_ERROR_CODE: Readonly<Record<ErrorCode, number>> = {
  malformed: RPC_CODE.invalidArgument,
  invalid_argument: RPC_CODE.invalidArgument,
  unauthenticated: RPC_CODE.unauthenticated,
  permission_denied: RPC_CODE.permissionDenied,
  not_found: RPC_CODE.notFound,
  already_exists: RPC_CODE.alreadyExists,
  gone: RPC_CODE.failedPrecondition,
  gap: RPC_CODE.outOfRange,
  too_large: RPC_CODE.resourceExhausted,
  rate_limited: RPC_CODE.resourceExhausted,
  quota_exceeded: RPC_CODE.resourceExhausted,
  inbox_full: RPC_CODE.resourceExhausted,
  storage_full: RPC_CODE.unavailable,
  unavailable: RPC_CODE.unavailable,
  unimplemented: RPC_CODE.unimplemented,
  internal: RPC_CODE.internal,
  failed_precondition: RPC_CODE.failedPrecondition,
};

/** What of an error is sent; what its `cause` holds stays inside. */
export function errorDetailFromError(error: MeshError): ErrorDetail {
  return create(ErrorDetailSchema, {
    code: ERROR_CODES.indexOf(error.code) + 1,
    message: sendableText(error.message),
    hint: sendableText(error.hint ?? ""),
    retryAfterS: retryAfterFromError(error) ?? 0,
  });
}

/** What an error adds to the metadata of its status. */
export function metadataFromError(error: MeshError): Readonly<Record<string, string>> {
  const retryAfterS = retryAfterFromError(error);
  return retryAfterS === undefined ? {} : { "retry-after": String(retryAfterS) };
}

/** A part of a character, which a message that was cut can end with, is nothing that a wire takes. */
export function sendableText(text: string): string {
  return text.toWellFormed();
}
