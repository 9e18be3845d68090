import { readFile } from "node:fs/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { createCertificate } from "../support/certificate.ts";

/** What makes a hub speak TLS on both ports. All clients of this process trust it from then on. */
export async function tlsSettings(folder: string): Promise<Readonly<Record<string, string>>> {
  const { certPath, keyPath } = await createCertificate(folder, "fuzz");
  setDefaultCACertificates([...getCACertificates("default"), await readFile(certPath, "utf8")]);
  return { MESHKORE_TLS_CERT: certPath, MESHKORE_TLS_KEY: keyPath };
}
