import { createPrivateKey, X509Certificate } from "node:crypto";
import { readFile } from "node:fs/promises";
import { createServer } from "node:net";
import type { Config, TlsConfig } from "../../config.ts";
import { type Finding, fail, ok, reasonOf, skip, warn } from "./finding.ts";

const DAY_MS = 86_400_000;
const SOON_DAYS = 21;
const ANSWER_MS = 5000;

/** Whether the hub answers, and is ready. */
export async function checkHub(url: string): Promise<Finding> {
  try {
    const answer = await fetch(`${url}/readyz`, {
      signal: AbortSignal.timeout(ANSWER_MS),
      redirect: "manual",
    });
    await answer.body?.cancel();
    if (answer.status === 200) return ok("hub", `${url} is ready`);
    return warn(
      "hub",
      `${url} answers ${answer.status}`,
      "it is starting or ending, or something else is there",
    );
  } catch (thrown) {
    const cause = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown;
    return skip("hub", `${url} does not answer: ${reasonOf(cause)}`);
  }
}

/** Whether the hub could listen there. `isRunning`: then it should be the hub that does. */
export async function checkPort(
  name: string,
  { host, port, isRunning }: { readonly host: string; readonly port: number; readonly isRunning: boolean },
): Promise<Finding> {
  const check = `${name} port`;
  if (port === 0) return ok(check, "any free one");
  const where = `${host}:${port}`;
  const code = await listenOnce(host, port);
  if (code === undefined) return ok(check, `${where} is free`);
  if (code === "EADDRINUSE") {
    if (isRunning) return ok(check, `${where} is in use, and the hub answers`);
    return fail(check, `${where} is in use by something else`, `end it, or set another port`);
  }
  const hint =
    code === "EACCES" ? "use a port of 1024 or above" : "set MESHKORE_HOST to an address of this machine";
  return fail(check, `cannot listen on ${where}: ${code}`, hint);
}

function listenOnce(host: string, port: number): Promise<string | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once("error", (error) => resolve("code" in error ? String(error.code) : error.message));
    server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(undefined)));
  });
}

/** Whether certificate and key are there, belong together and are good for a while. */
export async function checkTls(tls: TlsConfig | undefined, nowUnixMs: number): Promise<Finding> {
  if (tls === undefined) return skip("tls", "not set: plain text on both ports");
  try {
    const certificate = new X509Certificate(await readFile(tls.certPath));
    const key = createPrivateKey(await readFile(tls.keyPath));
    if (!certificate.checkPrivateKey(key)) {
      return fail(
        "tls",
        "the key is not that of the certificate",
        "look at MESHKORE_TLS_CERT and MESHKORE_TLS_KEY",
      );
    }
    if (tls.clientCaPath !== undefined) new X509Certificate(await readFile(tls.clientCaPath));
    return findingFromExpiry(Date.parse(certificate.validTo), nowUnixMs);
  } catch (thrown) {
    return fail("tls", reasonOf(thrown), "name PEM files that the hub's user can read");
  }
}

function findingFromExpiry(endUnixMs: number, nowUnixMs: number): Finding {
  const days = Math.floor((endUnixMs - nowUnixMs) / DAY_MS);
  const until = new Date(endUnixMs).toISOString().slice(0, 10);
  if (days < 0)
    return fail("tls", `the certificate ended on ${until}`, "get a new one; the hub takes it while it runs");
  if (days < SOON_DAYS)
    return warn("tls", `the certificate ends on ${until}, in ${days} days`, "get a new one in time");
  return ok("tls", `the certificate is good until ${until}`);
}

/** Proxies that are believed. */
export function checkProxies({ trustedProxies, host }: Config): Finding {
  const all = trustedProxies.filter((entry) => /\/0$/.test(entry));
  if (all.length > 0) {
    return warn(
      "proxies",
      `${all.join(", ")} trusts everybody: anyone can claim any address`,
      "name the addresses of your proxies in MESHKORE_TRUSTED_PROXIES",
    );
  }
  if (trustedProxies.length > 0) return ok("proxies", `${trustedProxies.join(", ")} are believed`);
  const isLocal = host === "127.0.0.1" || host === "::1" || host === "localhost";
  return isLocal ? ok("proxies", "none, and only this machine reaches the hub") : ok("proxies", "none");
}
