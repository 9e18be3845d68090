import { once } from "node:events";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { type ClientOptions, WebSocket } from "ws";
import {
  SessionRequestSchema,
  type SessionResponse,
  SessionResponseSchema,
} from "../../../src/gen/meshkore/v1/relay_pb.js";
import type { RestMessage, RestRefusal } from "../../support/rest-client.ts";
import { until } from "../../support/until.ts";

export const JSON_WIRE = "meshkore.v1.json";
export const PROTO_WIRE = "meshkore.v1.proto";

/** A result of the JSON wire. */
export interface ResultJson {
  readonly ref: number | string;
  readonly message_id?: string;
  readonly status?: string;
  readonly position?: string;
  readonly duplicate?: boolean;
  readonly error?: RestRefusal;
}

/** A frame of the hub on the JSON wire. */
export interface FrameJson {
  readonly welcome?: {
    readonly agent_id: string;
    readonly hub_id: string;
    readonly cursor: string;
    readonly expires_at?: string;
    readonly max_payload_bytes: number;
    readonly max_frame_bytes: number;
  };
  readonly result?: readonly ResultJson[];
  readonly deliver?: readonly RestMessage[];
  readonly acked?: string;
  readonly pong?: number;
  readonly error?: RestRefusal;
}

export interface Ended {
  readonly code: number;
  readonly reason: string;
}

/** Opens the connection and nothing more. @throws when the upgrade is refused, with the HTTP status */
export async function connect(
  http: string,
  protocols: readonly string[] = [],
  options: ClientOptions = {},
): Promise<WebSocket> {
  const socket = dial(http, protocols, options);
  await opened(socket);
  return socket;
}

function dial(http: string, protocols: readonly string[], options: ClientOptions = {}): WebSocket {
  const url = `${http.replace(/^http/, "ws")}/ws`;
  return new WebSocket(url, [...protocols], { perMessageDeflate: false, ...options });
}

async function opened(socket: WebSocket): Promise<void> {
  await Promise.race([
    once(socket, "open"),
    once(socket, "unexpected-response").then(([, response]) => {
      throw new Error(`refused with ${Object(response)["statusCode"]}`);
    }),
  ]);
}

/** A session whose frames are kept, in the order in which they came. */
abstract class Session<Frame> {
  readonly socket: WebSocket;
  readonly frames: Frame[] = [];
  readonly ended: Promise<Ended>;

  protected constructor(socket: WebSocket) {
    this.socket = socket;
    socket.on("message", (data, isBinary) => this.frames.push(this.parse(data, isBinary)));
    this.ended = once(socket, "close").then(([code, reason]) => ({ code, reason: String(reason) }));
  }

  protected abstract parse(data: WebSocket.RawData, isBinary: boolean): Frame;

  /** The first frame that fits, now or soon. */
  frame(what: string, fits: (frame: Frame) => boolean): Promise<Frame> {
    return until(what, () => this.frames.find(fits));
  }

  close(): void {
    this.socket.close();
  }
}

export class JsonSession extends Session<FrameJson> {
  /** With the token in the first frame. */
  static async open(http: string, token: string, hello: object = {}): Promise<JsonSession> {
    const session = await JsonSession.connect(http);
    session.say({ hello: { token, ...hello } });
    await session.frame("welcome", ({ welcome }) => welcome !== undefined);
    return session;
  }

  /** Without a first frame. */
  static async connect(
    http: string,
    protocols = [JSON_WIRE],
    options: ClientOptions = {},
  ): Promise<JsonSession> {
    // The listener first: the welcome can come with the answer to the upgrade.
    const session = new JsonSession(dial(http, protocols, options));
    await opened(session.socket);
    return session;
  }

  say(frame: object): void {
    this.socket.send(JSON.stringify(frame));
  }

  get delivered(): readonly RestMessage[] {
    return this.frames.flatMap(({ deliver }) => deliver ?? []);
  }

  get payloads(): readonly unknown[] {
    return this.delivered.filter(({ kind }) => kind === "MESSAGE").map(({ payload }) => payload);
  }

  get receipts(): readonly RestMessage[] {
    return this.delivered.filter(({ kind }) => kind === "RECEIPT");
  }

  get results(): readonly ResultJson[] {
    return this.frames.flatMap(({ result }) => result ?? []);
  }

  get errors(): readonly RestRefusal[] {
    return this.frames.flatMap(({ error }) => error ?? []);
  }

  result(ref: number | string): Promise<ResultJson> {
    return until(`result ${ref}`, () => this.results.find((result) => result.ref === ref));
  }

  /** Sends one message and gives its result. */
  async send(fields: object): Promise<ResultJson> {
    const ref = `r${this.results.length}-${Math.random()}`;
    this.say({ send: [{ ref, ...fields }] });
    return this.result(ref);
  }

  async untilDelivered(count: number): Promise<readonly RestMessage[]> {
    return until(`${count} deliveries`, () => this.delivered.length >= count && this.delivered);
  }

  async untilAcked(cursor: string): Promise<void> {
    this.say({ ack: cursor });
    await this.frame(`acked ${cursor}`, ({ acked }) => acked === cursor);
  }

  /** When it answers, the hub has handled every frame before. */
  async settled(): Promise<void> {
    const ping = 1 + this.frames.length + Math.floor(Math.random() * 1e12);
    this.say({ ping });
    await this.frame("pong", ({ pong }) => pong === ping);
  }

  protected override parse(data: WebSocket.RawData, isBinary: boolean): FrameJson {
    if (isBinary) throw new Error("a binary frame on the JSON wire");
    return JSON.parse(String(data));
  }
}

export class ProtoSession extends Session<SessionResponse> {
  static async open(
    http: string,
    token: string,
    hello: MessageInitShape<typeof SessionRequestSchema>["hello"] = {},
  ): Promise<ProtoSession> {
    const session = await ProtoSession.connect(http);
    session.say({ hello: { ...hello, token } });
    await session.frame("welcome", ({ welcome }) => welcome !== undefined);
    return session;
  }

  static async connect(http: string): Promise<ProtoSession> {
    const session = new ProtoSession(dial(http, [PROTO_WIRE]));
    await opened(session.socket);
    return session;
  }

  say(frame: MessageInitShape<typeof SessionRequestSchema>): void {
    this.socket.send(toBinary(SessionRequestSchema, create(SessionRequestSchema, frame)));
  }

  get results(): SessionResponse["result"] {
    return this.frames.flatMap(({ result }) => result);
  }

  get delivered(): SessionResponse["deliver"] {
    return this.frames.flatMap(({ deliver }) => deliver);
  }

  protected override parse(data: WebSocket.RawData, isBinary: boolean): SessionResponse {
    if (!isBinary || !Buffer.isBuffer(data)) throw new Error("a text frame on the binary wire");
    return fromBinary(SessionResponseSchema, data);
  }
}
