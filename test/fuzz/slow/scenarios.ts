import type { Socket } from "node:net";
import type { Door } from "../door.ts";
import { OPENING } from "../generators/h2-frame.ts";
import { TEXT, upgradeRequest, wsFrame } from "../generators/ws-frame.ts";
import type { Target } from "../target.ts";
import { HELLO } from "../wires/tls.ts";
import { drip, type SlowScenario } from "./scenario.ts";

const http = ({ ports, isTls }: Target): Door => ({ port: ports.http, alpn: isTls ? "http/1.1" : undefined });
const grpc = ({ ports, isTls }: Target): Door | undefined =>
  ports.grpc === undefined ? undefined : { port: ports.grpc, alpn: isTls ? "h2" : undefined };
/** A paused socket is not told of the other side's end: now and then it writes a byte, which a closed side resets. */
const PROBE_MS = 2000;

/** Below TLS; undefined where there is none. */
const httpTcp = ({ ports, isTls }: Target): Door | undefined =>
  isTls ? { port: ports.http, alpn: undefined } : undefined;
const grpcTcp = ({ ports, isTls }: Target): Door | undefined =>
  isTls && ports.grpc !== undefined ? { port: ports.grpc, alpn: undefined } : undefined;

/** Those that end within a test's patience. */
export const SHORT_SCENARIOS: readonly SlowScenario[] = [
  {
    name: "headers a byte at a time",
    connections: 200,
    withinMs: 30_000,
    door: http,
    begin: (socket) => drip(socket, Buffer.from(`GET /healthz HTTP/1.1\r\nX: ${"y".repeat(4000)}`), 250),
  },
  {
    name: "a body a byte at a time",
    connections: 100,
    withinMs: 45_000,
    door: http,
    begin(socket, { secrets }) {
      socket.write(
        `POST /send HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ${secrets.token}\r\nContent-Length: 100000\r\n\r\n`,
      );
      drip(socket, Buffer.from(" "), 500);
    },
  },
  {
    name: "an answer that nobody reads",
    connections: 50,
    withinMs: 45_000,
    door: http,
    begin(socket, { secrets }) {
      socket.pause();
      socket.write(
        `GET /messages?cursor=1-0&limit=500&ack=manual HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ${secrets.token}\r\n\r\n`,
      );
      probeWhilePaused(socket);
    },
  },
  {
    name: "connections that say nothing",
    connections: 2000,
    withinMs: 45_000,
    door: http,
    begin: (socket) => socket.resume(),
  },
  {
    name: "sessions without a hello",
    connections: 200,
    withinMs: 45_000,
    door: http,
    begin(socket) {
      socket.resume();
      socket.write(upgradeRequest("meshkore.v1.json", undefined));
    },
  },
];

const GREETINGS: readonly SlowScenario[] = [
  { name: "the HTTP port", door: httpTcp },
  { name: "the gRPC port", door: grpcTcp },
].flatMap(({ name, door }) => [
  {
    name: `no greeting of TLS on ${name}`,
    ...{ connections: 200, withinMs: 60_000, door },
    begin: (socket) => socket.resume(),
  },
  {
    name: `a greeting of TLS on ${name} a byte at a time`,
    ...{ connections: 100, withinMs: 60_000, door },
    begin(socket) {
      socket.resume();
      drip(socket, HELLO, 500);
    },
  },
]);

/** Those that a hub is patient with. */
export const LONG_SCENARIOS: readonly SlowScenario[] = [
  ...GREETINGS,
  {
    name: "sessions whose client is gone without a goodbye",
    connections: 200,
    withinMs: 180_000,
    door: http,
    begin(socket, { secrets }) {
      // Answers no ping: as if its cable were cut. Wants nothing either, or it would be about what it gets.
      socket.resume();
      socket.write(upgradeRequest("meshkore.v1.json", undefined));
      const hello = JSON.stringify({ hello: { token: secrets.token, no_delivery: true } });
      socket.once("data", () => socket.write(wsFrame({ first: TEXT, payload: Buffer.from(hello) })));
    },
  },
  {
    name: "gRPC connections that say nothing",
    connections: 200,
    withinMs: 180_000,
    door: grpc,
    begin: (socket) => socket.resume(),
  },
  {
    name: "gRPC connections that stop after their settings",
    connections: 200,
    withinMs: 180_000,
    door: grpc,
    begin(socket) {
      socket.resume();
      socket.write(OPENING);
    },
  },
];

function probeWhilePaused(socket: Socket): void {
  const timer = setInterval(() => socket.write("\r\n"), PROBE_MS);
  socket.once("close", () => clearInterval(timer));
}
