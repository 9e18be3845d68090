import { create } from "@bufbuild/protobuf";
import { RelayService, SendResponseSchema } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { createConnectHandler } from "../../../src/listeners/connect/calls.ts";
import type { MeshError } from "../../../src/model/errors.ts";
import type { HttpRequest, HttpResponse } from "../../../src/ports/listener.ts";
import type { RpcContext, RpcMethod } from "../../../src/ports/rpc.ts";

export const MAX_MESSAGE_BYTES = 10_000;

export interface ConnectFixture {
  /** Told as the hub's own faults. */
  readonly faults: MeshError[];
  readonly answer: (request: Partial<HttpRequest> & { readonly bytes?: Uint8Array }) => Promise<HttpResponse>;
  /** As a browser has it: to be given to a client of connect-web. */
  readonly fetch: typeof globalThis.fetch;
}

/** The face over a service whose handlers are given; `send` and `attach` are all that it has, and a session. */
export function createConnectFixture(handlers: {
  readonly send?: (context: RpcContext) => Promise<unknown>;
  readonly attach?: (context: RpcContext) => AsyncIterable<never>;
}): ConnectFixture {
  const { send, attach, session } = RelayService.method;
  const faults: MeshError[] = [];
  const methods: RpcMethod[] = [
    {
      kind: "unary",
      method: send,
      async handle(_request, context) {
        await handlers.send?.(context);
        return create(SendResponseSchema, { messageId: "id" });
      },
    },
    {
      kind: "server_streaming",
      method: attach,
      async *handle(_request, context) {
        yield* handlers.attach?.(context) ?? [];
      },
    },
    { kind: "session", method: session, open: () => expectNoSession() },
  ];
  const handler = createConnectHandler({
    services: [{ service: RelayService, methods }],
    maxMessageBytes: MAX_MESSAGE_BYTES,
    onError: (error) => faults.push(error),
  });
  const answer: ConnectFixture["answer"] = ({ bytes = new Uint8Array(), ...request }) =>
    handler({
      method: "POST",
      path: "/meshkore.v1.RelayService/Send",
      query: "",
      headers: new Map(),
      remoteAddress: "127.0.0.1",
      signal: new AbortController().signal,
      body: async () => bytes,
      ...request,
    });
  return { faults, answer, fetch: fetchOf(answer) };
}

function fetchOf(answer: ConnectFixture["answer"]): typeof globalThis.fetch {
  return async (input, init) => {
    const request = new Request(input, init);
    const { status, headers, body } = await answer({
      path: new URL(request.url).pathname,
      headers: new Map(request.headers),
      bytes: new Uint8Array(await request.arrayBuffer()),
    });
    if (typeof body === "string" || body instanceof Uint8Array) {
      return new Response(Buffer.from(body), { status, headers });
    }
    return new Response(ReadableStream.from(body), { status, headers });
  };
}

function expectNoSession(): never {
  throw new Error("nobody opens a session here");
}
