import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { StatusSchema } from "../../../src/gen/google/rpc/status_pb.js";
import { type ErrorDetail, ErrorDetailSchema } from "../../../src/gen/meshkore/v1/errors_pb.js";
import {
  AttachResponseSchema,
  RelayService,
  SendRequestSchema,
  SendResponseSchema,
} from "../../../src/gen/meshkore/v1/relay_pb.js";
import { openRpcListener } from "../../../src/listeners/h2/open-rpc-listener.ts";
import { MeshError } from "../../../src/model/errors.ts";
import type { SocketConnection, SocketSession } from "../../../src/ports/listener.ts";
import type {
  RpcContext,
  RpcService,
  ServerStreamRpc,
  SessionRpc,
  UnaryRpc,
} from "../../../src/ports/rpc.ts";
import type { RpcListener, RpcListenerOptions } from "../../../src/ports/rpc-listener.ts";

export const SEND = "/meshkore.v1.RelayService/Send";
export const ATTACH = "/meshkore.v1.RelayService/Attach";
export const SESSION = "/meshkore.v1.RelayService/Session";

/** A relay that does what the `to` of a request says, and keeps what a test looks at. */
export class FakeRelay {
  readonly contexts: RpcContext[] = [];
  readonly sessions: FakeSession[] = [];
  handed = 0;
  returned = 0;
  /** Calls of Send that wait for their signal. */
  waiting = 0;
  readonly service: RpcService = { service: RelayService, methods: this.#methods() };

  #methods(): RpcService["methods"] {
    const send: UnaryRpc<typeof RelayService.method.send> = {
      kind: "unary",
      method: RelayService.method.send,
      handle: ({ to }, context) => this.#send(to, context),
    };
    const attach: ServerStreamRpc<typeof RelayService.method.attach> = {
      kind: "server_streaming",
      method: RelayService.method.attach,
      handle: (_request, context) => this.#attach(context),
    };
    const session: SessionRpc = {
      kind: "session",
      method: RelayService.method.session,
      open: (connection, context) => {
        const opened = new FakeSession(connection, context);
        this.sessions.push(opened);
        return opened;
      },
    };
    return [send, attach, session];
  }

  async #send(to: string, context: RpcContext) {
    this.contexts.push(context);
    if (to === "wait") {
      this.waiting += 1;
      await new Promise((resolve) => context.signal.addEventListener("abort", resolve));
      this.waiting -= 1;
    }
    if (to === "broken") throw new Error("the secret reason");
    if (to !== "" && to !== "wait") {
      throw new MeshError("rate_limited", `no 100% ${to}\n`, { hint: "slower", retryAfterS: 7 });
    }
    return create(SendResponseSchema, { messageId: "1" });
  }

  async *#attach(context: RpcContext) {
    this.contexts.push(context);
    const count = Number(context.headers.get("count"));
    const bytes = Number(context.headers.get("bytes") ?? 10);
    try {
      for (let index = 0; index < count; index++) {
        this.handed += 1;
        yield create(AttachResponseSchema, {
          deliver: [{ offset: BigInt(index + 1), envelope: new Uint8Array(bytes) }],
        });
      }
      if (context.headers.has("fail")) throw new MeshError("gap", "gone");
    } finally {
      this.returned += 1;
    }
  }
}

/** Sends back what it gets, unless told otherwise. */
export class FakeSession implements SocketSession {
  readonly received: Buffer[] = [];
  readonly context: RpcContext;
  readonly connection: SocketConnection;
  drains = 0;
  closes = 0;
  onMessage: (data: Uint8Array) => void = (data) => this.connection.send(data);
  onFinish: () => void = () => this.connection.close(1000, "");

  constructor(connection: SocketConnection, context: RpcContext) {
    this.connection = connection;
    this.context = context;
  }

  message(data: Uint8Array): void {
    this.received.push(Buffer.from(data));
    this.onMessage(data);
  }

  finish(): void {
    this.onFinish();
  }

  drained(): void {
    this.drains += 1;
  }

  closed(): void {
    this.closes += 1;
  }
}

export interface RpcFixture extends AsyncDisposable {
  readonly listener: RpcListener;
  readonly relay: FakeRelay;
  readonly address: string;
  readonly errors: unknown[];
}

export async function openRpcFixture(options: Partial<RpcListenerOptions> = {}): Promise<RpcFixture> {
  const relay = new FakeRelay();
  const errors: unknown[] = [];
  const listener = await openRpcListener({
    host: "127.0.0.1",
    port: 0,
    services: async () => [relay.service],
    maxMessageBytes: 100_000,
    highWaterBytes: 200_000,
    onError: (error) => errors.push(error),
    ...options,
  });
  return {
    listener,
    relay,
    errors,
    address: `127.0.0.1:${listener.port}`,
    [Symbol.asyncDispose]: () => listener.close(),
  };
}

export function clientOf(address: string, options: object = {}): Client {
  return new Client(address, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    ...options,
  });
}

export const same = (bytes: Buffer): Buffer => bytes;

export function metadata(values: Readonly<Record<string, string>>): Metadata {
  const result = new Metadata();
  for (const [name, value] of Object.entries(values)) result.set(name, value);
  return result;
}

export interface UnaryOptions {
  readonly to?: string;
  readonly bytes?: Buffer;
  readonly metadata?: Metadata;
  readonly deadline?: Date;
}

/** One call of Send: its answer or its error. */
export function sendOver(client: Client, options: UnaryOptions = {}): Promise<ServiceError | "sent"> {
  const bytes =
    options.bytes ??
    Buffer.from(toBinary(SendRequestSchema, create(SendRequestSchema, { to: options.to ?? "" })));
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      SEND,
      same,
      same,
      bytes,
      options.metadata ?? new Metadata(),
      options.deadline === undefined ? {} : { deadline: options.deadline },
      (error, answer) => {
        if (error !== null) resolve(error);
        else if (fromBinary(SendResponseSchema, answer ?? Buffer.alloc(0)).messageId === "1") resolve("sent");
      },
    );
  });
}

/** What stands in `grpc-status-details-bin`. */
export function detailOf(error: { readonly metadata: Metadata }): ErrorDetail {
  const [bytes] = error.metadata.get("grpc-status-details-bin");
  if (!(bytes instanceof Buffer)) throw new Error("no details");
  const [detail] = fromBinary(StatusSchema, bytes).details;
  if (detail === undefined || !detail.typeUrl.endsWith("/meshkore.v1.ErrorDetail"))
    throw new Error("no ErrorDetail");
  return fromBinary(ErrorDetailSchema, detail.value);
}
