import { EventEmitter } from "node:events";
import { getCACertificates } from "node:tls";
import {
  type ChannelCredentials,
  Client,
  type ClientDuplexStream,
  credentials,
  type StatusObject,
} from "@grpc/grpc-js";
import type { TestHub } from "./hub.ts";
import { protoWire } from "./proto-wire.ts";
import type { SessionWire } from "./session-wire.ts";

const same = (bytes: Buffer): Buffer => bytes;

/** The frames of meshkore.v1.proto as the messages of RelayService.Session. */
export const grpcWire: SessionWire = { ...protoWire, subprotocol: "grpc" };

/** Where a session of this wire connects to. */
export function baseOf(hub: TestHub, wire: SessionWire): string {
  return wire === grpcWire ? `grpc://${hub.grpc}` : hub.http;
}

/** What this process trusts by default: the library would not look for what was added. */
function trusting(): ChannelCredentials {
  return credentials.createSsl(Buffer.from(getCACertificates("default").join("\n")));
}

/** A session's call by the official client, in the words of a WebSocket; a status is the close code, 1000 for OK. */
export class GrpcSocket extends EventEmitter {
  readonly #client: Client;
  readonly #call: ClientDuplexStream<Buffer, Buffer>;

  constructor(base: string) {
    super();
    const isTls = base.startsWith("grpcs:");
    const identity = isTls ? trusting() : credentials.createInsecure();
    this.#client = new Client(base.replace(/^grpcs?:\/\//, ""), identity, {
      "grpc.use_local_subchannel_pool": 1,
      ...(isTls && { "grpc.ssl_target_name_override": "localhost" }),
      "grpc.max_receive_message_length": -1,
    });
    this.#call = this.#client.makeBidiStreamRequest("/meshkore.v1.RelayService/Session", same, same);
    this.#call.on("metadata", () => this.emit("open"));
    this.#call.on("data", (data: Buffer) => this.emit("message", data));
    this.#call.on("error", () => undefined);
    this.#call.on("status", ({ code }: StatusObject) => {
      this.#client.close();
      this.emit("close", code === 0 ? 1000 : code);
    });
  }

  send(frame: Uint8Array | string): void {
    this.#call.write(Buffer.from(frame as Uint8Array));
  }

  pause(): void {
    this.#call.pause();
  }

  resume(): void {
    this.#call.resume();
  }

  terminate(): void {
    this.#call.cancel();
  }

  close(): void {
    this.#call.end();
  }
}
