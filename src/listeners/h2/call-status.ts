import { create, toBinary } from "@bufbuild/protobuf";
import { anyPack } from "@bufbuild/protobuf/wkt";
import { Metadata, type StatusObject } from "@grpc/grpc-js";
import { StatusSchema } from "../../gen/google/rpc/status_pb.js";
import { ErrorDetailSchema } from "../../gen/meshkore/v1/errors_pb.js";
import { ERROR_CODES, type ErrorCode, MeshError } from "../../model/errors.ts";
import {
  errorDetailFromError,
  metadataFromError,
  RPC_CODE,
  RPC_CODE_FROM_ERROR_CODE,
} from "../rpc-status.ts";

/** Holds a google.rpc.Status with all that is known of the error (https://grpc.io/docs/guides/error/). */
const DETAILS_KEY = "grpc-status-details-bin";

/** What the hub does not name by an error of its own: codes of RFC 6455 and their status. */
const CODE_FROM_CLOSE: ReadonlyMap<number, ErrorCode> = new Map([
  [1001, "unavailable"],
  [1009, "too_large"],
  [1011, "internal"],
]);

export function statusFromError(error: MeshError): StatusObject {
  const code = error.rpc?.status ?? RPC_CODE_FROM_ERROR_CODE[error.code];
  const detail = errorDetailFromError(error);
  const metadata = new Metadata();
  for (const [name, value] of Object.entries(metadataFromError(error))) metadata.set(name, value);
  const status = create(StatusSchema, {
    code,
    message: detail.message,
    details: [...(error.rpc?.details ?? []), anyPack(ErrorDetailSchema, detail)],
  });
  metadata.set(DETAILS_KEY, Buffer.from(toBinary(StatusSchema, status)));
  return { code, details: detail.message, metadata };
}

/**
 * The status that says what a close code says. The session gives the code of its error as the reason; its last frame
 * has said the rest.
 */
export function statusFromClose(closeCode: number, reason: string): StatusObject {
  if (closeCode === 1000) return { code: RPC_CODE.ok, details: "OK", metadata: new Metadata() };
  const named = ERROR_CODES.find((code) => code === reason);
  const code = named ?? CODE_FROM_CLOSE.get(closeCode) ?? "internal";
  return statusFromError(new MeshError(code, named === undefined ? reason : `the session ended: ${reason}`));
}
