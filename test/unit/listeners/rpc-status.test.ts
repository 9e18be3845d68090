import { expect, test } from "vitest";
import { ErrorCode } from "../../../src/gen/meshkore/v1/errors_pb.js";
import {
  errorDetailFromError,
  metadataFromError,
  RPC_CODE_FROM_ERROR_CODE,
} from "../../../src/listeners/rpc-status.ts";
import { ERROR_CODES, MeshError } from "../../../src/model/errors.ts";

test("every code has a status, and its own number in the detail", () => {
  for (const code of ERROR_CODES) {
    expect(RPC_CODE_FROM_ERROR_CODE[code]).toBeGreaterThan(0);
    const detail = errorDetailFromError(new MeshError(code, "no"));
    expect(ErrorCode[detail.code]?.toLowerCase()).toBe(code);
  }
});

test("what helps the caller is sent, the cause is not", () => {
  const error = new MeshError("rate_limited", "too fast", {
    hint: "slow down",
    retryAfterS: 1.2,
    cause: new Error("secret"),
  });
  const detail = errorDetailFromError(error);
  expect(detail).toMatchObject({ message: "too fast", hint: "slow down", retryAfterS: 2 });
  expect(metadataFromError(error)).toEqual({ "retry-after": "2" });
  expect(metadataFromError(new MeshError("gap", "gone"))).toEqual({});
});

test("half a character becomes one that can be sent", () => {
  expect(errorDetailFromError(new MeshError("internal", "\ud83d")).message).toBe("\ufffd");
});
