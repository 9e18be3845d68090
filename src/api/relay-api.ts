import type {
  AttachInput,
  Attachment,
  DeadMessage,
  Delivered,
  HistoryInput,
  HistoryPage,
  MessageStatus,
  Received,
  ReceiveInput,
  SendInput,
  Sent,
} from "../core/messages.ts";
import type { Call } from "../model/principal.ts";
import type { Sink } from "../ports/sink.ts";

export type * from "../core/messages.ts";

export interface RelayApi {
  /** Answers when the message is durable. */
  send(call: Call, input: SendInput): Promise<Sent>;
  /** As send, then waits for a message whose reply_to is the new id; undefined when none came in time. */
  request(
    call: Call,
    input: SendInput,
    waitMs: number,
  ): Promise<{ sent: Sent; reply: Delivered | undefined }>;
  receive(call: Call, input: ReceiveInput): Promise<Received>;
  /** Moves the committed position; answers when durable with where it is now. */
  acknowledge(call: Call, cursor: string): Promise<string>;
  attach(call: Call, input: AttachInput, sink: Sink): Promise<Attachment>;
  status(call: Call, messageId: string): Promise<MessageStatus>;
  markProcessed(call: Call, messageId: string, result: { ok: boolean; note: string }): Promise<void>;
  history(call: Call, input: HistoryInput): Promise<HistoryPage>;
  deadMessages(
    call: Call,
    input: { limit?: number; cursor?: string },
  ): Promise<{ messages: readonly DeadMessage[]; cursor: string | undefined }>;
  /** Sends a dead message of the caller again, under a new id. */
  redrive(call: Call, messageId: string): Promise<Sent>;
}
