import { execFile } from "node:child_process";
import { once } from "node:events";
import { copyFile, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { type ConnectionOptions, connect as connectTls, type TLSSocket } from "node:tls";
import { promisify } from "node:util";
import { Client, credentials, status } from "@grpc/grpc-js";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import type { RpcListenerOptions } from "../../../src/ports/rpc-listener.ts";
import { until } from "../../support/until.ts";
import { openRpcFixture, type RpcFixture, SESSION, same, sendOver } from "./rpc-fixture.ts";

let folder: string;
let fixture: RpcFixture | undefined;
const path = (name: string) => join(folder, name);
const pem = (name: string) => readFile(path(name));

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "meshkore-tls-"));
  for (const name of ["first", "second", "client"]) await makeCertificate(name);
});
afterAll(() => rm(folder, { recursive: true, force: true }));
afterEach(async () => {
  await fixture?.[Symbol.asyncDispose]();
  fixture = undefined;
});

/** `<name>.crt` and `<name>.key`, an authority of its own, for localhost. */
async function makeCertificate(name: string): Promise<void> {
  const args = [
    "req",
    "-x509",
    "-newkey",
    "ec",
    "-pkeyopt",
    "ec_paramgen_curve:P-256",
    "-nodes",
    "-days",
    "2",
  ];
  const files = ["-keyout", path(`${name}.key`), "-out", path(`${name}.crt`)];
  const names = ["-subj", `/CN=${name}`, "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"];
  await promisify(execFile)("openssl", [...args, ...files, ...names]);
}

async function use(name: string): Promise<void> {
  await copyFile(path(`${name}.crt`), path("used.crt"));
  await copyFile(path(`${name}.key`), path("used.key"));
}

async function open(options: Partial<RpcListenerOptions> = {}, clientCa?: string): Promise<RpcFixture> {
  await use("first");
  fixture = await openRpcFixture({
    tls: { certPath: path("used.crt"), keyPath: path("used.key"), clientCaPath: clientCa && path(clientCa) },
    ...options,
  });
  return fixture;
}

async function secureClient({ address }: RpcFixture, authority: string, own?: string): Promise<Client> {
  const [key, certificate] = own === undefined ? [] : [await pem(`${own}.key`), await pem(`${own}.crt`)];
  return new Client(
    address.replace("127.0.0.1", "localhost"),
    credentials.createSsl(await pem(`${authority}.crt`), key ?? null, certificate ?? null),
    { "grpc.use_local_subchannel_pool": 1, "grpc.max_reconnect_backoff_ms": 100 },
  );
}

const soon = () => new Date(Date.now() + 5000);

/** The connection once the handshake is through; what breaks it, otherwise. */
async function handshake({ listener }: RpcFixture, options: ConnectionOptions): Promise<TLSSocket | Error> {
  const socket = connectTls({
    port: listener.port,
    host: "127.0.0.1",
    rejectUnauthorized: false,
    ...options,
  });
  return once(socket, "secureConnect").then(
    () => socket,
    (error: Error) => error,
  );
}

test("calls and sessions go through, and the client's address is known", async () => {
  const opened = await open();
  const client = await secureClient(opened, "first");
  expect(await sendOver(client, { deadline: soon() })).toBe("sent");
  expect(opened.relay.contexts[0]?.remoteAddress).toMatch(/^(127\.0\.0\.1|::1)$/);
  const call = client.makeBidiStreamRequest(SESSION, same, same);
  call.write(Buffer.from("x"));
  expect(String((await once(call, "data"))[0])).toBe("x");
  call.end();
  call.resume();
  await once(call, "end");
  client.close();
});

test("only TLS 1.3 with HTTP/2 comes in", async () => {
  const opened = await open();
  const good = await handshake(opened, { ALPNProtocols: ["h2"] });
  if (good instanceof Error) throw good;
  expect([good.getProtocol(), good.alpnProtocol]).toEqual(["TLSv1.3", "h2"]);
  good.destroy();
  expect(await handshake(opened, { ALPNProtocols: ["h2"], maxVersion: "TLSv1.2" })).toBeInstanceOf(Error);
  expect(await handshake(opened, { ALPNProtocols: ["http/1.1"] })).toBeInstanceOf(Error);
  const none = await handshake(opened, {});
  if (none instanceof Error) return;
  none.resume();
  await once(none, "close");
});

test("a plain client, and one that never ends its handshake, are cut", async () => {
  const opened = await open({ limits: { greetingMs: 300 } });
  const plain = new Client(opened.address, credentials.createInsecure());
  expect(await sendOver(plain, { deadline: new Date(Date.now() + 500) })).not.toBe("sent");
  plain.close();
  const { connect } = await import("node:net");
  const silent = connect(opened.listener.port, "127.0.0.1");
  silent.on("error", () => undefined);
  silent.write(Buffer.from([0x16, 3, 1, 2, 0, 1]));
  silent.resume();
  await once(silent, "close");
  const client = await secureClient(opened, "first");
  expect(await sendOver(client, { deadline: soon() })).toBe("sent");
  client.close();
});

test("a changed certificate is for new connections; those that are open go on", async () => {
  const opened = await open();
  const before = await secureClient(opened, "first");
  const call = before.makeBidiStreamRequest(SESSION, same, same);
  call.on("error", () => undefined);
  call.write(Buffer.from("1"));
  await once(call, "data");

  await use("second");
  await opened.listener.reloadTls();
  const after = await secureClient(opened, "second");
  expect(await sendOver(after, { deadline: soon() })).toBe("sent");
  const stale = await secureClient(opened, "first");
  expect(await sendOver(stale, { deadline: new Date(Date.now() + 1000) })).not.toBe("sent");
  call.write(Buffer.from("2"));
  expect(String((await once(call, "data"))[0])).toBe("2");

  await copyFile(path("first.key"), path("used.key"));
  await expect(opened.listener.reloadTls()).rejects.toMatchObject({
    code: "invalid_argument",
    hint: expect.stringContaining("MESHKORE_TLS_CERT"),
  });
  await writeFile(path("used.crt"), "no certificate");
  await expect(opened.listener.reloadTls()).rejects.toMatchObject({ code: "invalid_argument" });
  await rm(path("used.crt"));
  await expect(opened.listener.reloadTls()).rejects.toMatchObject({ code: "invalid_argument" });
  const still = await secureClient(opened, "second");
  expect(await sendOver(still, { deadline: soon() })).toBe("sent");
  for (const client of [before, after, stale, still]) client.close();
});

test("it does not open with files that are no fit pair", async () => {
  const tls = { certPath: path("first.crt"), keyPath: path("second.key") };
  await expect(openRpcFixture({ tls })).rejects.toMatchObject({ code: "invalid_argument" });
});

test("a client certificate is verified when given, and never required", async () => {
  const opened = await open({}, "client.crt");
  const [known, none, stranger] = [
    await secureClient(opened, "first", "client"),
    await secureClient(opened, "first"),
    await secureClient(opened, "first", "second"),
  ];
  expect(await sendOver(known, { deadline: soon() })).toBe("sent");
  expect(await sendOver(none, { deadline: soon() })).toBe("sent");
  const refused = await sendOver(stranger, { deadline: new Date(Date.now() + 2000) });
  expect(refused).toMatchObject({
    code: expect.toSatisfy((code) => code === status.UNAVAILABLE || code === status.DEADLINE_EXCEEDED),
  });
  for (const client of [known, none, stranger]) client.close();
  await until("all are gone", () => opened.relay.contexts.length === 2);
});
