import { readFile } from "node:fs/promises";
import { getCACertificates, setDefaultCACertificates } from "node:tls";
import { afterAll } from "vitest";
import type { ListenerOptions } from "../../../src/ports/listener.ts";
import type { OpenListener } from "../../suites/listener/listener-fixture.ts";
import { createCertificate, openCertificateDir, type TestCertificate } from "../../support/certificate.ts";

/** A certificate that all clients of this process trust from now on; gone with the file's tests. */
export async function createTrusted(commonName: string): Promise<TestCertificate> {
  const dir = await openCertificateDir();
  afterAll(() => dir[Symbol.asyncDispose]());
  const pair = await createCertificate(dir.path, commonName);
  setDefaultCACertificates([...getCACertificates("default"), await readFile(pair.certPath, "utf8")]);
  return pair;
}

/** The same listener, with TLS. */
export function withTls(open: OpenListener, tls: TestCertificate): OpenListener {
  const openTls = (options: ListenerOptions) => open({ ...options, tls });
  return Object.assign(openTls, { speaksTls: true });
}
