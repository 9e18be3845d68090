import { once } from "node:events";
import { copyFile, mkdir, rename, symlink } from "node:fs/promises";
import { join } from "node:path";
import { connect } from "node:tls";
import { afterAll, describe, expect, it } from "vitest";
import { openCertificateDir, type TestCertificate } from "../../support/certificate.ts";
import { ADMIN_TOKEN, startHub, type TestHub, withHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { runCli } from "../cli/cli-process.ts";
import { createTrusted } from "./tls-fixture.ts";

const [one, two] = [await createTrusted("one"), await createTrusted("two")];
const dir = await openCertificateDir();
afterAll(() => dir[Symbol.asyncDispose]());

/** The name in the certificate that the port shows, with a server name or without. */
async function shownName(url: string): Promise<string> {
  const socket = connect({ port: Number(new URL(url).port), host: "127.0.0.1", rejectUnauthorized: false });
  await once(socket, "secureConnect");
  const { CN } = socket.getPeerCertificate().subject;
  socket.destroy();
  return String(CN);
}

async function version(name: string, pair: TestCertificate): Promise<void> {
  await mkdir(join(dir.path, name));
  await copyFile(pair.certPath, join(dir.path, name, "tls.crt"));
  await copyFile(pair.keyPath, join(dir.path, name, "tls.key"));
}

async function pointTo(name: string): Promise<void> {
  await symlink(name, join(dir.path, "next"));
  await rename(join(dir.path, "next"), join(dir.path, "current"));
}

/** Both ports of a hub show the same. */
async function untilShown(hub: TestHub, name: string, withinMs: number): Promise<void> {
  const ports = [hub.http, `https://${hub.grpc ?? ""}`];
  const isShown = async () => (await Promise.all(ports.map(shownName))).every((shown) => shown === name);
  await until(`both ports to show ${name}`, isShown, withinMs);
}

describe("a hub with TLS", () => {
  it("is spoken to by https, wss and the command line, and takes new certificates while it runs", {
    timeout: 120_000,
  }, async () => {
    await version("v1", one);
    await version("v2", two);
    await pointTo("v1");
    const env = {
      MESHKORE_LOG_LEVEL: "info",
      MESHKORE_TLS_CERT: join(dir.path, "current", "tls.crt"),
      MESHKORE_TLS_KEY: join(dir.path, "current", "tls.key"),
    };
    await withHub({ env }, async (hub) => {
      expect(hub.http).toMatch(/^https:/);
      const invite = await hub.admin("POST", "/invites", { body: {} });
      expect(invite.field("url")).toMatch(new RegExp(`^${hub.http}/join/`));

      const socket = new WebSocket(`${hub.http.replace("https:", "wss:")}/ws`, ["meshkore.v1.json"]);
      await new Promise((resolve, reject) => {
        socket.onopen = resolve;
        socket.onerror = reject;
      });

      const cli = await runCli(["invite", "--json"], {
        env: { MESHKORE_URL: hub.http, MESHKORE_ADMIN_TOKEN: ADMIN_TOKEN, NODE_EXTRA_CA_CERTS: one.certPath },
      });
      expect(cli).toMatchObject({ code: 0, out: expect.stringContaining(`${hub.http}/join/`) });

      // By themselves, as a certificate manager swaps them.
      await pointTo("v2");
      await untilShown(hub, "two", 30_000);
      // At once, by a signal.
      await pointTo("v1");
      process.kill(hub.pid, "SIGHUP");
      await untilShown(hub, "one", 30_000);
      expect(hub.log()).toContain("tls.reloaded");
      expect(socket.readyState).toBe(WebSocket.OPEN);
      expect((await hub.call("GET", "/healthz")).status).toBe(200);
      socket.close();
    });
  });

  it.each([
    [
      "certificate",
      { MESHKORE_TLS_CERT: "/nowhere/cert.pem", MESHKORE_TLS_KEY: one.keyPath },
      "MESHKORE_TLS_CERT: /nowhere/cert.pem cannot be read",
    ],
    [
      "fitting key",
      { MESHKORE_TLS_CERT: one.certPath, MESHKORE_TLS_KEY: two.keyPath },
      "MESHKORE_TLS_KEY: .* is not the key of the certificate",
    ],
  ])("does not start without its %s, and says which setting it is", async (_what, env, message) => {
    await expect(startHub({ env })).rejects.toThrow(new RegExp(`ended with 1.*${message}`, "s"));
  });
});
