import { createPrivateKey, type KeyObject, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { MeshError } from "../model/errors.ts";
import type { TlsFiles } from "../ports/listener.ts";

/** What stands in the files, PEM. */
export interface TlsPair {
  readonly cert: Buffer;
  readonly key: Buffer;
  /** When the certificate ends. */
  readonly notAfterUnixMs: number;
}

/** Suites of TLS 1.2 that encrypt and authenticate in one; those of 1.3 all do. */
export const TLS12_CIPHERS = "ECDHE+AESGCM:ECDHE+CHACHA20";

/**
 * Reads certificate and key, and checks that they fit each other.
 * @throws MeshError invalid_argument naming the setting whose file is missing, unreadable, no PEM, or does not fit
 */
export async function readTlsPair({ certPath, keyPath }: TlsFiles): Promise<TlsPair> {
  const [cert, key] = await Promise.all([
    readPem("MESHKORE_TLS_CERT", certPath),
    readPem("MESHKORE_TLS_KEY", keyPath),
  ]);
  const certificate = certificateFromPem(cert, certPath);
  const privateKey = privateKeyFromPem(key, keyPath);
  if (!certificate.checkPrivateKey(privateKey)) {
    throw unfit("MESHKORE_TLS_KEY", `${keyPath} is not the key of the certificate in ${certPath}`, undefined);
  }
  return { cert, key, notAfterUnixMs: Date.parse(certificate.validTo) };
}

async function readPem(setting: string, path: string): Promise<Buffer> {
  try {
    return await readFile(path);
  } catch (cause) {
    throw unfit(setting, `${path} cannot be read`, cause);
  }
}

/** The first certificate of the chain is the server's own. */
function certificateFromPem(pem: Buffer, path: string): X509Certificate {
  try {
    return new X509Certificate(pem);
  } catch (cause) {
    throw unfit("MESHKORE_TLS_CERT", `${path} holds no certificate in PEM`, cause);
  }
}

function privateKeyFromPem(pem: Buffer, path: string): KeyObject {
  try {
    return createPrivateKey(pem);
  } catch (cause) {
    throw unfit("MESHKORE_TLS_KEY", `${path} holds no private key in PEM without a passphrase`, cause);
  }
}

function unfit(setting: string, what: string, cause: unknown): MeshError {
  return new MeshError("invalid_argument", `${setting}: ${what}`, {
    hint: "give the PEM files of a certificate chain and of its key, readable by this user",
    cause,
  });
}
