import { once } from "node:events";
import { copyFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { type ConnectionOptions, connect, type TLSSocket } from "node:tls";
import { afterAll, describe, expect, onTestFinished, test } from "vitest";
import type { TlsFiles } from "../../../src/ports/listener.ts";
import { createCertificate, openCertificateDir, type TestCertificate } from "../../support/certificate.ts";
import { type OpenListener, startListener } from "./listener-fixture.ts";
import { connectSocket, createEchoSockets } from "./socket-fixture.ts";

const RELOADS = 50;
const CLIENTS = 4;

interface Files {
  /** What the listener is told. */
  readonly tls: TlsFiles;
  /** Puts another pair at these paths. */
  put(pair: TestCertificate): Promise<void>;
}

/** Certificates are made once: each costs a process. */
export function describeTls(name: string, open: OpenListener): void {
  describe(`${name}: certificates`, () => {
    afterAll(async () => {
      made = undefined;
      for (const dir of removeAfterwards.splice(0)) await dir[Symbol.asyncDispose]();
    });

    test("serves TLS 1.3, and of 1.2 only suites that authenticate what they encrypt", async () => {
      const { port } = await start(open, await openFiles());
      expect((await greet(port)).getProtocol()).toBe("TLSv1.3");
      const old = { maxVersion: "TLSv1.2" } as const;
      expect((await greet(port, old)).getCipher().name).toMatch(/GCM|CHACHA20/);
      await expect(greet(port, { ...old, ciphers: "ECDHE-ECDSA-AES128-SHA" })).rejects.toThrow(
        /handshake failure/i,
      );
      const ancient = { minVersion: "TLSv1.1", maxVersion: "TLSv1.1", ciphers: "ALL@SECLEVEL=0" } as const;
      await expect(greet(port, ancient)).rejects.toThrow(/version/i);
    });

    test("a reload changes the certificate for new connections, with a server name and without; open ones go on", async () => {
      const files = await openFiles();
      const { listener, port } = await start(open, files);
      const socket = await connectSocket(port, [], { rejectUnauthorized: false });
      const kept = await greet(port);
      const { two } = await pairs();
      await files.put(two);
      await listener.reloadTls();
      expect(nameOf(await greet(port))).toBe("two");
      expect(nameOf(await greet(port, { servername: "localhost" }))).toBe("two");
      expect(nameOf(kept)).toBe("one");
      expect(await ask(kept)).toMatch(/^HTTP\/1\.1 200 /);
      socket.client.send("still here");
      expect(await socket.nextText()).toBe("still here");
    });

    test.each<[string, (files: TlsFiles) => Promise<unknown>, string]>([
      [
        "a key of another certificate",
        async ({ keyPath }) => copyFile((await pairs()).two.keyPath, keyPath),
        "MESHKORE_TLS_KEY",
      ],
      ["no certificate", ({ certPath }) => rm(certPath), "MESHKORE_TLS_CERT"],
      ["no key", ({ keyPath }) => rm(keyPath), "MESHKORE_TLS_KEY"],
      ["a certificate that is none", ({ certPath }) => writeFile(certPath, "none"), "MESHKORE_TLS_CERT"],
      [
        "half a key",
        ({ keyPath }) => writeFile(keyPath, "-----BEGIN PRIVATE KEY-----\nMIGH"),
        "MESHKORE_TLS_KEY",
      ],
    ])(
      "with %s, a start fails and a reload keeps the old pair; both name the setting",
      async (_what, spoil, setting) => {
        const files = await openFiles();
        const { listener, port } = await start(open, files);
        await spoil(files.tls);
        const refusal = { code: "invalid_argument", message: expect.stringContaining(setting) };
        await expect(listener.reloadTls()).rejects.toMatchObject(refusal);
        expect(nameOf(await greet(port))).toBe("one");
        await expect(start(open, files)).rejects.toMatchObject(refusal);
      },
    );

    test(`${RELOADS} reloads under load refuse no connection and lose no request`, async () => {
      const files = await openFiles();
      const { listener, port } = await start(open, files);
      const names: Record<string, number> = {};
      let isOver = false;
      const load = async () => {
        while (!isOver) {
          const socket = await greet(port);
          names[nameOf(socket)] = (names[nameOf(socket)] ?? 0) + 1;
          expect(await ask(socket)).toMatch(/^HTTP\/1\.1 200 /);
          socket.destroy();
        }
      };
      const clients = Array.from({ length: CLIENTS }, load);
      const { one, two } = await pairs();
      for (let at = 0; at < RELOADS; at++) {
        await files.put(at % 2 === 0 ? two : one);
        await listener.reloadTls();
        expect(nameOf(await greet(port))).toBe(at % 2 === 0 ? "two" : "one");
      }
      isOver = true;
      await Promise.all(clients);
      expect(Object.keys(names).sort()).toEqual(["one", "two"]);
    });
  });
}

let made: Promise<{ readonly one: TestCertificate; readonly two: TestCertificate }> | undefined;

function pairs() {
  made ??= makePairs();
  return made;
}

async function makePairs() {
  const dir = await openCertificateDir();
  removeAfterwards.push(dir);
  return { one: await createCertificate(dir.path, "one"), two: await createCertificate(dir.path, "two") };
}

const removeAfterwards: AsyncDisposable[] = [];

/** Files of the pair "one" of this test alone. */
async function openFiles(): Promise<Files> {
  const dir = await openCertificateDir();
  onTestFinished(() => dir[Symbol.asyncDispose]());
  const tls = { certPath: join(dir.path, "cert.pem"), keyPath: join(dir.path, "key.pem") };
  const put = async (pair: TestCertificate) => {
    await copyFile(pair.certPath, tls.certPath);
    await copyFile(pair.keyPath, tls.keyPath);
  };
  await put((await pairs()).one);
  return { tls, put };
}

function start(open: OpenListener, { tls }: Files) {
  return startListener(open, { tls, socket: createEchoSockets().handler });
}

/** Greets without a server name, unless told otherwise. */
async function greet(port: number, options: ConnectionOptions = {}): Promise<TLSSocket> {
  const socket = connect({ port, host: "127.0.0.1", rejectUnauthorized: false, ...options });
  onTestFinished(() => {
    socket.destroy();
  });
  await once(socket, "secureConnect");
  return socket;
}

function nameOf(socket: TLSSocket): string {
  return String(socket.getPeerCertificate().subject.CN);
}

async function ask(socket: TLSSocket): Promise<string> {
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  const [answer] = await once(socket, "data");
  return String(answer);
}
