import { once } from "node:events";
import { connect as connectHttp2 } from "node:http2";
import { connect, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import { until } from "../../support/until.ts";
import { clientOf, metadata, openRpcFixture, type RpcFixture, SEND, sendOver } from "./rpc-fixture.ts";

let fixture: RpcFixture | undefined;
afterEach(async () => {
  await fixture?.[Symbol.asyncDispose]();
  fixture = undefined;
});

const trustsLoopback = (address: string) => address === "127.0.0.1";

async function open(expectsProxyHeader: boolean, isTrustedProxy?: (address: string) => boolean) {
  fixture = await openRpcFixture({
    expectsProxyHeader,
    limits: { greetingMs: 300 },
    ...(isTrustedProxy && { isTrustedProxy }),
  });
  return fixture;
}

/** One call on a connection that begins with `header`, written in pieces; the address that the handler sees. */
async function addressBehind(opened: RpcFixture, header: Buffer, pieces = 1): Promise<string | undefined> {
  const socket = connect(opened.listener.port, "127.0.0.1");
  socket.on("error", () => undefined);
  await once(socket, "connect");
  const size = Math.ceil(header.length / pieces);
  for (let at = 0; at < header.length; at += size) {
    socket.write(header.subarray(at, at + size));
    if (pieces > 1) await new Promise((resolve) => setImmediate(resolve));
  }
  return callOver(opened, socket);
}

async function callOver(opened: RpcFixture, socket: Socket): Promise<string | undefined> {
  const at = opened.relay.contexts.length;
  const session = connectHttp2("http://hub", { createConnection: () => socket });
  session.on("error", () => undefined);
  const stream = session.request({
    ":method": "POST",
    ":path": SEND,
    "content-type": "application/grpc",
    te: "trailers",
  });
  stream.on("error", () => undefined);
  stream.end(Buffer.from([0, 0, 0, 0, 0]));
  stream.resume();
  await new Promise((resolve) => stream.once("close", resolve));
  session.destroy();
  return opened.relay.contexts[at]?.remoteAddress;
}

const V2 = Buffer.from([
  ...[0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a, 0x21, 0x11, 0, 12],
  ...[192, 0, 2, 7, 10, 0, 0, 1, 0x13, 0x88, 0x1c, 0xe9],
]);
const V1 = Buffer.from("PROXY TCP4 192.0.2.7 10.0.0.1 5000 7401\r\n");
const LOCAL = Buffer.from([...V2.subarray(0, 12), 0x20, 0, 0, 0]);

test.each([
  ["version 1", V1, "192.0.2.7"],
  ["version 2", V2, "192.0.2.7"],
  ["version 2, the proxy itself", LOCAL, "127.0.0.1"],
  ["version 1, unknown", Buffer.from("PROXY UNKNOWN\r\n"), "127.0.0.1"],
])("the address of a PROXY header counts: %s", async (_name, header, address) => {
  const opened = await open(true, trustsLoopback);
  expect(await addressBehind(opened, header)).toBe(address);
  expect(await addressBehind(opened, header, header.length)).toBe(address);
});

test("a trusted proxy that sends none, a broken one, or half of one is cut", async () => {
  const opened = await open(true, trustsLoopback);
  for (const header of [Buffer.alloc(0), Buffer.from("PROXY TCP4 nonsense\r\n"), V2.subarray(0, 20)]) {
    expect(await addressBehind(opened, header)).toBeUndefined();
  }
  const silent = connect(opened.listener.port, "127.0.0.1");
  silent.on("error", () => undefined);
  silent.write("PROXY TCP4 ");
  silent.resume();
  await once(silent, "close");
  expect(await addressBehind(opened, V1)).toBe("192.0.2.7");
});

test("who is no trusted proxy sends no header, and is not believed", async () => {
  const opened = await open(true, (address) => address === "10.9.9.9");
  expect(await addressBehind(opened, V1)).toBeUndefined();
  const client = clientOf(opened.address);
  expect(await sendOver(client, { metadata: metadata({ "x-forwarded-for": "192.0.2.7" }) })).toBe("sent");
  expect(opened.relay.contexts.at(-1)?.remoteAddress).toBe("127.0.0.1");
  client.close();
});

test("X-Forwarded-For of a trusted proxy counts, whose own clients' words do not", async () => {
  const opened = await open(false, trustsLoopback);
  const client = clientOf(opened.address);
  const headers = metadata({ "x-forwarded-for": "203.0.113.1, 192.0.2.7" });
  expect(await sendOver(client, { metadata: headers })).toBe("sent");
  client.close();
  await until("the call", () => opened.relay.contexts[0]?.remoteAddress === "192.0.2.7");
});
