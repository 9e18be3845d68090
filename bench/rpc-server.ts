import { createServer } from "node:http2";
import { create } from "@bufbuild/protobuf";
import { connectNodeAdapter } from "@connectrpc/connect-node";
import { RelayService, SendResponseSchema } from "../src/gen/meshkore/v1/relay_pb.js";
import { openRpcListener } from "../src/listeners/h2/open-rpc-listener.ts";
import type { SocketConnection, SocketSession } from "../src/ports/listener.ts";
import type { SessionRpc, UnaryRpc } from "../src/ports/rpc.ts";

/**
 * A server that does nothing but its wire: Send answers at once, a session sends back what it gets. By the hub's own
 * gRPC listener (`grpc-js`), or by the HTTP/2 handler of Connect (`connect-node`), which has no session here.
 */
const ANSWER = { messageId: "019ac0de-0000-7000-8000-000000000000", epoch: 1n, offset: 1n };

async function openGrpcJs(): Promise<number> {
  const send: UnaryRpc<typeof RelayService.method.send> = {
    kind: "unary",
    method: RelayService.method.send,
    handle: async () => create(SendResponseSchema, ANSWER),
  };
  const session: SessionRpc = { kind: "session", method: RelayService.method.session, open: echo };
  const { port } = await openRpcListener({
    host: "127.0.0.1",
    port: 0,
    services: async () => [{ service: RelayService, methods: [send, session] }],
    maxMessageBytes: 2_097_152,
    highWaterBytes: 1_048_576,
    onError: (error) => process.stderr.write(`${String(error)}\n`),
  });
  return port;
}

function echo(connection: SocketConnection): SocketSession {
  return {
    message: (data) => void connection.send(data),
    finish: () => connection.close(1000, ""),
    drained: () => undefined,
    closed: () => undefined,
  };
}

function openConnectNode(): Promise<number> {
  const server = createServer(
    connectNodeAdapter({
      routes: (router) => void router.service(RelayService, { send: () => ANSWER }),
    }),
  );
  return new Promise((resolve) =>
    server.listen(0, "127.0.0.1", () => resolve(Number(Object(server.address()).port))),
  );
}

const port = await (process.argv[2] === "connect-node" ? openConnectNode() : openGrpcJs());
process.stdout.write(`${JSON.stringify({ event: "ready", port })}\n`);
