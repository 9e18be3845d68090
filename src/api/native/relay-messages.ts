import { fromBinary, type MessageInitShape } from "@bufbuild/protobuf";
import { EnvelopeSchema } from "../../gen/meshkore/v1/envelope_pb.js";
import type {
  AttachResponseSchema,
  DeadMessageSchema,
  DeliverySchema,
  GetMessageStatusResponseSchema,
  ListHistoryResponseSchema,
  ReceiveRequest,
  SendRequest,
  SendResponseSchema,
} from "../../gen/meshkore/v1/relay_pb.js";
import { PRIORITIES } from "../../model/envelope.ts";
import { cursorFromPosition } from "../../model/position.ts";
import { present } from "../../model/present.ts";
import type { AgentPrincipal, Call } from "../../model/principal.ts";
import type { LiveInbox } from "../live-inbox.ts";
import type {
  DeadMessage,
  Delivered,
  HistoryPage,
  MessageState,
  MessageStatus,
  ReceiveInput,
  SendInput,
  Sent,
} from "../relay-api.ts";
import {
  countOrAbsent,
  enumFromWord,
  numberFromUint64,
  textOrAbsent,
  uint64FromNumber,
  wordFromEnum,
} from "./fields.ts";

/** What a sender says that names no type of its payload. */
const OCTETS = "application/octet-stream";

/** In the order of relay.proto. */
const STATES: readonly MessageState[] = ["accepted", "delivered", "read", "processed", "failed", "expired"];

/** @throws MeshError invalid_argument */
export function sendInputFromMessage(send: SendRequest, call: Call): SendInput {
  return {
    to: send.to,
    payload: send.payload,
    contentType: send.contentType === "" ? OCTETS : send.contentType,
    ...present({
      replyTo: textOrAbsent(send.replyTo),
      dedupeKey: textOrAbsent(send.dedupeKey),
      ttlMs: countOrAbsent(numberFromUint64("ttl_ms", send.ttlMs)),
      priority: wordFromEnum("priority", send.priority, PRIORITIES),
      contextId: textOrAbsent(send.contextId),
      taskId: textOrAbsent(send.taskId),
      traceparent: textOrAbsent(send.traceparent) ?? call.traceparent,
      sealed: send.sealed ? true : undefined,
      noReceipts: send.noReceipts ? true : undefined,
      annotations: annotationsFromMessage(send.annotations),
    }),
  };
}

/** Without a prototype, so that a key such as `__proto__` is just a key. */
function annotationsFromMessage(
  given: Readonly<Record<string, string>>,
): Readonly<Record<string, string>> | undefined {
  const entries = Object.entries(given);
  if (entries.length === 0) return undefined;
  const annotations: Record<string, string> = Object.create(null);
  for (const [key, note] of entries) annotations[key] = note;
  return annotations;
}

export function messageFromSent(sent: Sent): MessageInitShape<typeof SendResponseSchema> {
  return {
    messageId: sent.messageId,
    epoch: uint64FromNumber(sent.epoch),
    offset: uint64FromNumber(sent.offset),
    duplicate: sent.duplicate,
  };
}

export function messageFromDelivered(record: Delivered): MessageInitShape<typeof DeliverySchema> {
  return {
    epoch: uint64FromNumber(record.epoch),
    offset: uint64FromNumber(record.offset),
    envelope: record.bytes,
  };
}

export function receiveInputFromMessage(request: ReceiveRequest): ReceiveInput {
  return present({
    cursor: textOrAbsent(request.cursor),
    limit: countOrAbsent(request.limit),
    waitMs: countOrAbsent(request.waitMs),
    manualAck: request.manualAck ? true : undefined,
  });
}

/** What the hub is, for a welcome. */
export interface WelcomeFacts {
  readonly hubId: string;
  readonly maxPayloadBytes: number;
  readonly maxFrameBytes: number;
}

export function welcomeFromInbox(
  inbox: LiveInbox,
  principal: AgentPrincipal,
  facts: WelcomeFacts,
): MessageInitShape<typeof AttachResponseSchema> {
  return {
    welcome: {
      ...facts,
      agentId: principal.agentId,
      cursor: cursorFromPosition(inbox.start),
      expiresUnixMs: uint64FromNumber(principal.expiresUnixMs ?? 0),
    },
  };
}

export function messageFromStatus(
  status: MessageStatus,
): MessageInitShape<typeof GetMessageStatusResponseSchema> {
  return {
    messageId: status.messageId,
    state: enumFromWord(status.state, STATES),
    atUnixMs: uint64FromNumber(status.atUnixMs),
    note: status.note,
    to: status.to,
    createdUnixMs: uint64FromNumber(status.createdUnixMs),
  };
}

export function messageFromHistory(page: HistoryPage): MessageInitShape<typeof ListHistoryResponseSchema> {
  return {
    messages: page.envelopes.map((bytes) => fromBinary(EnvelopeSchema, bytes)),
    cursor: page.cursor ?? "",
  };
}

export function messageFromDead(dead: DeadMessage): MessageInitShape<typeof DeadMessageSchema> {
  return {
    messageId: dead.messageId,
    to: dead.to,
    state: enumFromWord<MessageState>(dead.state, STATES),
    reason: dead.reason,
    atUnixMs: uint64FromNumber(dead.atUnixMs),
  };
}
