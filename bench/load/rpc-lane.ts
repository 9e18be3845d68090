import { Client, type ClientDuplexStream, credentials, Metadata } from "@grpc/grpc-js";
import { pushSend, sendTemplate } from "../hub-codec.ts";
import { HubFrameReader } from "../hub-frame-reader.ts";
import { Outbox } from "../outbox.ts";
import type { Lane, LaneEvents } from "./lane.ts";
import type { LanePayload } from "./payload.ts";
import type { LaneSpec } from "./spec.ts";

type RpcLaneSpec = Extract<LaneSpec, { wire: "rpc" }>;
type Session = ClientDuplexStream<Buffer, Buffer>;

const SERVICE = "/meshkore.v1.RelayService";
/** A SessionRequest of one send: its tag, then its length. */
const FRAME_HEAD_BYTES = 1 + 2;

const same = (bytes: Buffer): Buffer => bytes;

/** A lane by the official gRPC client, with a connection of its own. Messages are encoded by hand, as on other wires. */
export async function openRpcLane(
  spec: RpcLaneSpec,
  payload: LanePayload,
  events: LaneEvents,
): Promise<Lane> {
  const client = new Client(`127.0.0.1:${spec.port}`, credentials.createInsecure(), {
    "grpc.use_local_subchannel_pool": 1,
    "grpc.max_receive_message_length": -1,
  });
  const template = sendTemplate(spec.sender?.receiver ?? "receiver-0", payload, "application/octet-stream");
  const outbox = new Outbox();
  const sender = openSender(spec, client, events);
  const isBatched = spec.mode === "session" || spec.mode === "batched-echo";
  let queued = 0;
  const send = (seq: number): void => {
    sender(outbox.take(), seq, queued);
    queued = 0;
  };
  return {
    queue(seq) {
      pushSend(outbox, template, seq);
      queued++;
      // One message per frame: what the batched modes are measured against.
      if (!isBatched) send(seq);
    },
    acknowledge: () => undefined,
    flush() {
      if (queued > 0) send(-1);
    },
    finish: async () => undefined,
    verify: async () => undefined,
    close: () => client.close(),
  };
}

type Sender = (frame: Buffer, seq: number, messages: number) => void;

function openSender(spec: RpcLaneSpec, client: Client, events: LaneEvents): Sender {
  if (spec.mode === "unary") return unarySender(client, events);
  const metadata = new Metadata();
  if (spec.sender !== undefined) metadata.set("authorization", `Bearer ${spec.sender.token}`);
  const session: Session = client.makeBidiStreamRequest(`${SERVICE}/Session`, same, same, metadata);
  session.on("error", (error) => events.failed(error));
  if (spec.mode !== "session") return echoSender(session, events);
  takeResults(session, events);
  return (frame) => void session.write(frame);
}

function unarySender(client: Client, events: LaneEvents): Sender {
  return (frame, seq) => {
    const request = frame.subarray(FRAME_HEAD_BYTES);
    client.makeUnaryRequest(`${SERVICE}/Send`, same, same, request, (error, answer) => {
      if (error !== null || answer === undefined)
        events.fault(`send ${seq}: ${error?.message ?? "no answer"}`);
      events.accepted(seq);
      events.turn();
    });
  };
}

/** Each frame comes back as it was sent, in order. */
function echoSender(session: Session, events: LaneEvents): Sender {
  const inFrames: number[] = [];
  let next = 0;
  session.on("data", () => {
    for (let left = inFrames.shift() ?? 0; left > 0; left--) events.accepted(next++);
    events.turn();
  });
  return (frame, _seq, messages) => {
    inFrames.push(messages);
    session.write(frame);
  };
}

function takeResults(session: Session, events: LaneEvents): void {
  const reader = new HubFrameReader({
    welcome: () => undefined,
    result(ref, _epoch, _offset, failed) {
      if (failed !== undefined) events.fault(`send ${ref}: ${failed}`);
      events.accepted(ref - 1);
    },
    delivery: () => events.fault("the sender was handed something"),
    acked: () => undefined,
    refused: (text) => events.fault(text),
  });
  session.on("data", (frame: Buffer) => {
    reader.read(frame, 0, frame.length);
    events.turn();
  });
}
