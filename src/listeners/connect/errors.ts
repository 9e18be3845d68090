import { type Code, ConnectError } from "@connectrpc/connect";
import { ErrorDetailSchema } from "../../gen/meshkore/v1/errors_pb.js";
import type { MeshError } from "../../model/errors.ts";
import {
  errorDetailFromError,
  metadataFromError,
  RPC_CODE_FROM_ERROR_CODE,
  sendableText,
} from "../rpc-status.ts";

/** The error on the wire: code and message in Connect's words, the hub's own code and the hint as a detail. */
export function connectErrorFromMeshError(error: MeshError): ConnectError {
  const detail = { desc: ErrorDetailSchema, value: errorDetailFromError(error) };
  return new ConnectError(
    sendableText(error.message),
    // Connect's codes are the numbers of gRPC.
    RPC_CODE_FROM_ERROR_CODE[error.code] satisfies Code,
    metadataFromError(error),
    [detail],
  );
}
