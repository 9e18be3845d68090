import { timingSafeEqual } from "node:crypto";
import { type CredentialDigest, digestFromCredential } from "./credential-digest.ts";

/** Compares with the operator's token in constant time. Without a token, nobody is the operator. */
export function createAdminCheck(token: string | undefined): (digest: CredentialDigest) => boolean {
  if (token === undefined || token === "") return () => false;
  const expected = digestFromCredential(token).bytes;
  return (digest) => timingSafeEqual(digest.bytes, expected);
}
