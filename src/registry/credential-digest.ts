import { hash } from "node:crypto";

/** SHA-256 of a credential. Everything that looks one up does so by this, so time tells nothing of the secret. */
export interface CredentialDigest {
  readonly bytes: Buffer;
  readonly hex: string;
}

export function digestFromCredential(text: string): CredentialDigest {
  const bytes = hash("sha256", text, "buffer");
  return { bytes, hex: bytes.toString("hex") };
}
