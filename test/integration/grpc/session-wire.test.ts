import { type ClientDuplexStream, status } from "@grpc/grpc-js";
import { afterEach, beforeEach, expect, test } from "vitest";
import { ErrorCode } from "../../../src/gen/meshkore/v1/errors_pb.js";
import { until } from "../../support/until.ts";
import {
  clientOf,
  detailOf,
  type FakeSession,
  openRpcFixture,
  type RpcFixture,
  SESSION,
  same,
} from "./rpc-fixture.ts";

const KIB = 1024;

let fixture: RpcFixture;
let client: ReturnType<typeof clientOf>;

beforeEach(async () => {
  fixture = await openRpcFixture();
  client = clientOf(fixture.address);
});
afterEach(async () => {
  client.close();
  await fixture[Symbol.asyncDispose]();
});

type Call = ClientDuplexStream<Buffer, Buffer>;

interface Opened {
  readonly call: Call;
  readonly session: FakeSession;
  readonly got: Buffer[];
  readonly ended: Promise<
    Parameters<typeof detailOf>[0] & { readonly code: number; readonly details: string }
  >;
}

async function open(): Promise<Opened> {
  const call = client.makeBidiStreamRequest(SESSION, same, same);
  const got: Buffer[] = [];
  call.on("data", (data: Buffer) => got.push(data));
  call.on("error", () => undefined);
  const ended: Opened["ended"] = new Promise((resolve) => call.on("status", resolve));
  const at = fixture.relay.sessions.length;
  const session = await until("a session", () => fixture.relay.sessions[at]);
  return { call, session, got, ended };
}

test("frames go both ways, in order, as they are", async () => {
  const { call, session, got, ended } = await open();
  expect(session.connection.remoteAddress).toBe("127.0.0.1");
  expect(session.context.signal.aborted).toBe(false);
  const frames = Array.from({ length: 300 }, (_, index) => Buffer.alloc(index * 7, index));
  for (const frame of frames) call.write(frame);
  await until("echoes", () => got.length === frames.length);
  expect(Buffer.concat(got).equals(Buffer.concat(frames))).toBe(true);
  expect(session.received.map(({ length }) => length)).toEqual(frames.map(({ length }) => length));
  call.end();
  expect((await ended).code).toBe(status.OK);
  await until("closed", () => session.closes === 1);
});

test("the client that has said all is answered before the end", async () => {
  const { call, session, got, ended } = await open();
  session.onFinish = () => {
    session.connection.send(Buffer.from("last"));
    session.connection.close(1000, "");
  };
  call.write(Buffer.from("first"));
  call.end();
  expect((await ended).code).toBe(status.OK);
  expect(got.map(String)).toEqual(["first", "last"]);
});

test.each([
  [4401, "unauthenticated", status.UNAUTHENTICATED, ErrorCode.UNAUTHENTICATED],
  [4400, "malformed", status.INVALID_ARGUMENT, ErrorCode.MALFORMED],
  [4410, "gap", status.OUT_OF_RANGE, ErrorCode.GAP],
  [4429, "rate_limited", status.RESOURCE_EXHAUSTED, ErrorCode.RATE_LIMITED],
  [1001, "unavailable", status.UNAVAILABLE, ErrorCode.UNAVAILABLE],
  [1001, "going away", status.UNAVAILABLE, ErrorCode.UNAVAILABLE],
  [4999, "whatever \ud800", status.INTERNAL, ErrorCode.INTERNAL],
])("close code %i, %s: status %i", async (closeCode, reason, code, errorCode) => {
  const { session, got, ended } = await open();
  session.connection.send(Buffer.from("the last word"));
  session.connection.close(closeCode, reason);
  expect(session.connection.send(Buffer.from("too late"))).toBe("closed");
  const end = await ended;
  expect(end.code).toBe(code);
  expect(detailOf(end).code).toBe(errorCode);
  expect(got.map(String)).toEqual(["the last word"]);
  await until("closed", () => session.closes === 1);
});

test("a session that throws ends as internal, and is reported", async () => {
  const { call, session, ended } = await open();
  session.onMessage = () => {
    throw new Error("the secret reason");
  };
  call.write(Buffer.from("x"));
  const end = await ended;
  expect(end.code).toBe(status.INTERNAL);
  expect(end.details).not.toContain("secret");
  expect(fixture.errors).toMatchObject([{ message: "the secret reason" }]);
  await until("closed", () => session.closes === 1);
});

test("a client that goes away closes the session once", async () => {
  const { call, session } = await open();
  call.cancel();
  await until("closed", () => session.closes === 1);
  expect(session.connection.send(Buffer.from("x"))).toBe("closed");
  session.connection.close(1000, "");
  expect(session.closes).toBe(1);
});

test("a client that does not read fills the session, which goes on when it does", async () => {
  const { call, session, got } = await open();
  call.pause();
  const frame = Buffer.alloc(50 * KIB);
  let sent = 0;
  for (let state = ""; state !== "full"; sent++) state = session.connection.send(frame);
  // More than the windows hold is left, so that nothing but reading can help.
  while (session.connection.send(frame) === "ready") sent++;
  expect(session.drains).toBe(0);
  call.resume();
  await until("drained", () => session.drains === 1);
  await until("all", () => got.length === sent + 1);
});

test("a session that goes on sending past full is cut", async () => {
  const { call, session, ended } = await open();
  call.pause();
  const frame = Buffer.alloc(100_000);
  for (let index = 0; index < 100; index++) session.connection.send(frame);
  await until("cut", () => session.closes === 1);
  call.resume();
  expect((await ended).code).toBe(status.CANCELLED);
});

test("a frame that is too large ends the session", async () => {
  const { call, session, ended } = await open();
  call.write(Buffer.alloc(100_001));
  expect((await ended).code).toBe(status.RESOURCE_EXHAUSTED);
  await until("closed", () => session.closes === 1);
  expect(session.received).toEqual([]);
});

test("many sessions share a connection", async () => {
  const opened = await Promise.all(Array.from({ length: 50 }, open));
  for (const [index, { call }] of opened.entries()) call.write(Buffer.from(String(index)));
  await until("echoes", () => opened.every(({ got }) => got.length === 1));
  expect(opened.map(({ got }) => String(got[0])).sort()).toEqual(
    opened.map((_, index) => String(index)).sort(),
  );
});
