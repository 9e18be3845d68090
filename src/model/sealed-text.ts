import { createCipheriv, createDecipheriv, randomBytes } from "node:crypto";

const CIPHER = "aes-256-gcm";
const NONCE_BYTES = 12;
const TAG_BYTES = 16;
const KEY_BYTES = 32;

/** A new key, as text. */
export function newSealingKey(): string {
  return randomBytes(KEY_BYTES).toString("base64url");
}

/** The text, unreadable without the key, and bound to what it belongs to. Never the same twice. */
export function sealText(key: string, text: string, belongsTo: string): string {
  const nonce = randomBytes(NONCE_BYTES);
  const cipher = createCipheriv(CIPHER, Buffer.from(key, "base64url"), nonce);
  cipher.setAAD(Buffer.from(belongsTo));
  const sealed = [nonce, cipher.update(text, "utf8"), cipher.final(), cipher.getAuthTag()];
  return Buffer.concat(sealed).toString("base64url");
}

/** Undefined when the key is another one, or the text was changed or belongs to something else. */
export function openText(key: string, sealed: string, belongsTo: string): string | undefined {
  const bytes = Buffer.from(sealed, "base64url");
  if (bytes.length < NONCE_BYTES + TAG_BYTES) return undefined;
  try {
    const decipher = createDecipheriv(CIPHER, Buffer.from(key, "base64url"), bytes.subarray(0, NONCE_BYTES));
    decipher.setAAD(Buffer.from(belongsTo));
    decipher.setAuthTag(bytes.subarray(-TAG_BYTES));
    const opened = [decipher.update(bytes.subarray(NONCE_BYTES, -TAG_BYTES)), decipher.final()];
    return Buffer.concat(opened).toString("utf8");
  } catch {
    // What does not fit is told by the answer: the reason would say nothing more.
    return undefined;
  }
}
