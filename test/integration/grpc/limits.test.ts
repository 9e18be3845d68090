import { once } from "node:events";
import { type ClientHttp2Session, type ClientHttp2Stream, connect, constants } from "node:http2";
import { connect as connectTcp, type Socket } from "node:net";
import { afterEach, expect, test } from "vitest";
import type { RpcLimits } from "../../../src/ports/rpc-listener.ts";
import { until } from "../../support/until.ts";
import { ATTACH, clientOf, openRpcFixture, type RpcFixture, SEND, SESSION, sendOver } from "./rpc-fixture.ts";

const PREFACE = Buffer.from("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
const EMPTY_SETTINGS = Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]);

let fixture: RpcFixture | undefined;
afterEach(async () => {
  await fixture?.[Symbol.asyncDispose]();
  fixture = undefined;
});

async function withLimits(limits: Partial<RpcLimits>): Promise<RpcFixture> {
  fixture = await openRpcFixture({ limits });
  return fixture;
}

interface RawClient {
  readonly session: ClientHttp2Session;
  /** What the hub said when it ended the connection. */
  readonly goaways: { readonly code: number; readonly text: string }[];
  call(path?: string, headers?: Record<string, string>): ClientHttp2Stream;
}

async function rawClient({ address }: RpcFixture): Promise<RawClient> {
  const session = connect(`http://${address}`);
  const goaways: RawClient["goaways"] = [];
  session.on("error", () => undefined);
  session.on("goaway", (code, _last, data) =>
    goaways.push({ code, text: Buffer.from(data ?? []).toString() }),
  );
  await once(session, "remoteSettings");
  return {
    session,
    goaways,
    call(path = SEND, headers = {}) {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      });
      stream.on("error", () => undefined);
      return stream;
    },
  };
}

const ping = ({ session }: RawClient) =>
  new Promise<boolean>((resolve) => {
    if (session.destroyed || !session.ping((error) => resolve(error === null))) resolve(false);
  });

async function tcp({ listener }: RpcFixture): Promise<Socket> {
  const socket = connectTcp(listener.port, "127.0.0.1");
  socket.on("error", () => undefined);
  socket.resume();
  await once(socket, "connect");
  return socket;
}

/** The head of a message of so many bytes, and its first bytes. */
function frameOf(bytes: number): Buffer {
  const head = Buffer.alloc(5);
  head.writeUInt32BE(bytes, 1);
  return Buffer.concat([head, Buffer.alloc(Math.min(bytes, 10))]);
}

const closed = (stream: ClientHttp2Stream) => new Promise<void>((resolve) => stream.once("close", resolve));

const stillAnswers = async (open: RpcFixture) => {
  const client = clientOf(open.address);
  expect(await sendOver(client)).toBe("sent");
  client.close();
};

test.each([
  ["a unary method", SEND],
  ["a method that streams its answer", ATTACH],
])("a request that does not come to its end is cut: of %s", async (_name, path) => {
  const open = await withLimits({ requestMs: 300 });
  const client = await rawClient(open);
  const session = client.call(SESSION);
  session.write(frameOf(10));
  const silent = client.call(path);
  const dripping = client.call(path);
  const drip = setInterval(() => dripping.write(Buffer.alloc(1)), 20);
  dripping.write(frameOf(90_000));
  await Promise.all([closed(silent), closed(dripping)]);
  clearInterval(drip);
  expect([silent.rstCode, dripping.rstCode]).toEqual([constants.NGHTTP2_CANCEL, constants.NGHTTP2_CANCEL]);
  // Frames of a session come when they come, and an answer may take as long as it likes.
  await until("the session got its frame", () => open.relay.sessions[0]?.received.length === 1);
  const waiting = sendOver(clientOf(open.address), { to: "wait" });
  await until("the call waits", () => open.relay.waiting === 1);
  const silentAgain = client.call(path);
  await closed(silentAgain);
  expect(open.relay.waiting).toBe(1);
  expect(session.closed).toBe(false);
  client.session.destroy();
  await stillAnswers(open);
  void waiting.catch(() => undefined);
});

test.each([
  ["nothing", Buffer.alloc(0)],
  ["half a preface", PREFACE.subarray(0, 10)],
  ["a preface and no settings", PREFACE],
])("a connection that says %s is cut", async (_name, bytes) => {
  const open = await withLimits({ greetingMs: 150 });
  const socket = await tcp(open);
  socket.write(bytes);
  await once(socket, "close");
  await stillAnswers(open);
});

test("a connection that has greeted may be silent", async () => {
  const open = await withLimits({ greetingMs: 150 });
  const client = await rawClient(open);
  const late = await tcp(open);
  await once(late, "close");
  expect(await ping(client)).toBe(true);
  client.session.destroy();
});

test("what is no HTTP/2 is cut", async () => {
  const open = await withLimits({});
  const socket = await tcp(open);
  socket.write("GET / HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(socket, "close");
  await stillAnswers(open);
});

/** The frames of RFC 9113, section 4.1. */
function frame(type: number, flags: number, streamId: number, payload: readonly number[]): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(streamId, 5);
  return Buffer.concat([head, Buffer.from(payload)]);
}

/** POST / of http, to x; then its end. */
const CALL = [frame(1, 4, 1, [0x83, 0x86, 0x84, 0x41, 1, 0x78]), frame(0, 1, 1, [1, 2, 3])];

test.each([
  ["a goodbye with an error", [frame(7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 2])]],
  ["a goodbye", [frame(7, 0, 0, [0, 0, 0, 0, 0, 0, 0, 0])]],
  ["pings beyond the bound", Array.from({ length: 100 }, () => frame(6, 0, 0, Array(8).fill(0)))],
  ["resets beyond the bound", resets(100)],
])("%s and a call in one packet harm nobody", async (_name, frames) => {
  const open = await withLimits({ pings: { burst: 3, perMinute: 1 }, resets: { burst: 3, perMinute: 1 } });
  const socket = await tcp(open);
  socket.write(Buffer.concat([PREFACE, EMPTY_SETTINGS]));
  await once(socket, "data");
  // A stream's number only rises: the call behind a hundred resets has a higher one.
  const call = CALL.map((bytes) => Buffer.from(bytes));
  for (const bytes of call) bytes.writeUInt32BE(1001, 5);
  socket.write(Buffer.concat([...frames, ...call]));
  await once(socket, "close");
  await stillAnswers(open);
});

function resets(count: number): Buffer[] {
  return Array.from({ length: count }, (_, index) => 1 + 2 * index).flatMap((id) => {
    const [head = Buffer.alloc(0)] = CALL;
    const copy = Buffer.from(head);
    copy.writeUInt32BE(id, 5);
    return [copy, frame(3, 0, id, [0, 0, 0, 8])];
  });
}

test("calls that are taken back at once end the connection, and no other", async () => {
  const open = await withLimits({ resets: { burst: 50, perMinute: 60 } });
  const [good, bad] = [await rawClient(open), await rawClient(open)];
  let started = 0;
  while (!bad.session.destroyed && !bad.session.closed && started < 20_000) {
    for (let count = 0; count < 20 && !bad.session.destroyed; count++, started++)
      bad.call().close(constants.NGHTTP2_CANCEL);
    await new Promise((resolve) => setImmediate(resolve));
  }
  await until("the end", () => bad.session.destroyed);
  expect(bad.goaways).toContainEqual({ code: constants.NGHTTP2_ENHANCE_YOUR_CALM, text: "too_many_resets" });
  expect(started).toBeLessThan(2000);
  expect(await ping(good)).toBe(true);
  good.session.destroy();
  await stillAnswers(open);
});

test("calls that end well are no resets, and some may be taken back", async () => {
  const open = await withLimits({ resets: { burst: 20, perMinute: 60 } });
  const client = clientOf(open.address);
  for (let count = 0; count < 100; count++) expect(await sendOver(client)).toBe("sent");
  client.close();
});

test("pings without end end the connection", async () => {
  const open = await withLimits({ pings: { burst: 10, perMinute: 60 } });
  const client = await rawClient(open);
  let answered = 0;
  while (answered < 1000 && (await ping(client))) answered++;
  expect(answered).toBeGreaterThanOrEqual(9);
  expect(answered).toBeLessThan(30);
  expect(client.goaways).toEqual([{ code: constants.NGHTTP2_ENHANCE_YOUR_CALM, text: "too_many_pings" }]);
  await stillAnswers(open);
});

test("pings that measure while data comes are none of these", async () => {
  const open = await withLimits({ pings: { burst: 3, perMinute: 1 } });
  const client = await rawClient(open);
  const stream = client.call(SESSION);
  const session = await until("a session", () => open.relay.sessions[0]);
  for (let count = 0; count < 50; count++) {
    session.connection.send(Buffer.alloc(1000));
    await once(stream, "data");
    expect(await ping(client)).toBe(true);
  }
  client.session.destroy();
  await until("closed", () => session.closes === 1);
});

test("a peer that does not answer pings is cut, and its sessions close", async () => {
  const open = await withLimits({ pingEveryMs: 100, pingAnswerMs: 100 });
  const alive = await rawClient(open);
  const socket = await tcp(open);
  socket.write(Buffer.concat([PREFACE, EMPTY_SETTINGS]));
  await once(socket, "close");
  expect(await ping(alive)).toBe(true);
  alive.session.destroy();
});

test("a connection without calls is ended after a while", async () => {
  const open = await withLimits({ idleMs: 150 });
  const client = await rawClient(open);
  await until("the end", () => client.session.destroyed);
  expect(client.goaways[0]).toEqual({ code: constants.NGHTTP2_NO_ERROR, text: "" });
});

test("headers that are too large end the call alone", async () => {
  const open = await withLimits({ headerBytes: 8192 });
  const client = await rawClient(open);
  const stream = client.call(SEND, { padding: "x".repeat(9000) });
  await closed(stream);
  expect(stream.rstCode).toBe(constants.NGHTTP2_ENHANCE_YOUR_CALM);
  expect(await ping(client)).toBe(true);
  expect(client.session.remoteSettings.maxHeaderListSize).toBe(8192);
  client.session.destroy();
});

test("calls beyond the bound wait at the client", async () => {
  const open = await withLimits({ concurrentCalls: 3 });
  const client = await rawClient(open);
  expect(client.session.remoteSettings.maxConcurrentStreams).toBe(3);
  const calls = Array.from({ length: 5 }, () => client.call(SESSION));
  await until("sessions", () => open.relay.sessions.length === 3);
  expect(await ping(client)).toBe(true);
  expect(open.relay.sessions).toHaveLength(3);
  calls[0]?.close(constants.NGHTTP2_CANCEL);
  await until("the next", () => open.relay.sessions.length === 4);
  client.session.destroy();
});

test("connections beyond the bound are cut", async () => {
  const open = await withLimits({ connections: 2 });
  const [one, two] = [await rawClient(open), await rawClient(open)];
  const third = await tcp(open);
  await once(third, "close");
  one.session.destroy();
  two.session.destroy();
  await until("room", async () => {
    const socket = await tcp(open);
    socket.write(PREFACE);
    const [first] = await Promise.race([once(socket, "data"), once(socket, "close")]);
    socket.destroy();
    return first instanceof Buffer;
  });
});

test.each([
  ["another content type", SEND, { "content-type": "text/plain" }],
  ["a path of any bytes", "/\u00ff\u00fe/%00/\u{1f600}", {}],
  ["a path without a method", "/", {}],
  ["a broken deadline", SEND, { "grpc-timeout": "soon" }],
  ["a broken binary header", SEND, { "x-bin": "%%%" }],
  ["an unknown compression", SEND, { "grpc-encoding": "middle-out" }],
])("%s harms nobody", async (_name, path, headers) => {
  const open = await withLimits({});
  const client = await rawClient(open);
  let stream: ClientHttp2Stream;
  try {
    stream = client.call(path, headers as Record<string, string>);
  } catch {
    // The client's own library refuses to say it.
    client.session.destroy();
    return;
  }
  stream.resume();
  stream.end(Buffer.from([1, 0, 0, 0, 1, 9]));
  await closed(stream);
  expect(await ping(client)).toBe(true);
  client.session.destroy();
  await stillAnswers(open);
});

test("a session whose connection breaks is closed", async () => {
  const open = await withLimits({});
  const client = await rawClient(open);
  client.call(SESSION);
  const session = await until("a session", () => open.relay.sessions[0]);
  client.session.destroy();
  await until("closed", () => session.closes === 1);
});
