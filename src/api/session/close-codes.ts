import { MeshError } from "../../model/errors.ts";
import { hubIsStopping } from "../../model/hub-stopping.ts";

/** Close codes of our own, in the private range of RFC 6455, section 7.4.2. */
export const CLOSE_CODES = {
  malformed: 4400,
  unauthenticated: 4401,
  gap: 4410,
  overloaded: 4429,
  failed: 4500,
  draining: 1001,
} as const;

export function textOnBinaryWire(): MeshError {
  return new MeshError("malformed", "a text frame came on the binary wire", {
    hint: "send binary frames, or connect with the subprotocol meshkore.v1.json",
  });
}

export function lateHello(): MeshError {
  return new MeshError("invalid_argument", "hello was ignored: it says something only in the first frame", {
    hint: "to give a cursor or a window, connect without an Authorization header and send hello with the token",
  });
}

export function closeCodeOf(error: MeshError): number {
  if (error.code === "unauthenticated" || error.code === "permission_denied")
    return CLOSE_CODES.unauthenticated;
  if (error.code === "gap") return CLOSE_CODES.gap;
  if (error.code === "rate_limited") return CLOSE_CODES.overloaded;
  return error.code === "internal" || error.code === "unavailable"
    ? CLOSE_CODES.failed
    : CLOSE_CODES.malformed;
}

export function drainError(): MeshError {
  return hubIsStopping("connect again");
}

/** The session ends with what opened it. */
export function credentialError(why: "revoked" | "expired"): MeshError {
  return new MeshError("unauthenticated", `the session's credential ended: ${why}`, {
    hint: "connect again with your API key, or with a new token (POST /register); if the key was revoked, ask the operator",
  });
}
