import type { Priority } from "../model/envelope.ts";
import type { Position } from "../model/position.ts";
import type { LogRecord } from "../ports/message-log.ts";

/** What a sender says. Sizes and ids are checked by the relay. */
export interface SendInput {
  /** Agent id, agent@hub, or #channel. */
  readonly to: string;
  readonly payload: Uint8Array;
  /** "application/json" promises that the payload is UTF-8 JSON text. */
  readonly contentType: string;
  readonly replyTo?: string;
  readonly dedupeKey?: string;
  /** Ms from acceptance until it expires; absent = the retention of unread messages. */
  readonly ttlMs?: number;
  readonly priority?: Priority;
  readonly contextId?: string;
  readonly taskId?: string;
  readonly traceparent?: string;
  readonly sealed?: boolean;
  readonly noReceipts?: boolean;
  readonly annotations?: Readonly<Record<string, string>>;
}

/** The message is durable. */
export interface Sent extends Position {
  readonly messageId: string;
  /** The dedupe key was known; nothing was appended. */
  readonly duplicate: boolean;
}

/** A delivered record: `bytes` is an encoded Envelope. */
export type Delivered = LogRecord;

export interface ReceiveInput {
  readonly cursor?: string;
  /** Clamped to 1…500; absent = 100. */
  readonly limit?: number;
  /** Clamped to 60,000. */
  readonly waitMs?: number;
  /** Giving the cursor does not acknowledge what is before it. */
  readonly manualAck?: boolean;
}

export interface Received {
  readonly records: readonly Delivered[];
  readonly cursor: string;
}

export type MessageState = "accepted" | "delivered" | "read" | "processed" | "failed" | "expired";

export interface MessageStatus {
  readonly messageId: string;
  readonly state: MessageState;
  /** The state was reached then or earlier, ms since the Unix epoch. */
  readonly atUnixMs: number;
  readonly note: string;
  readonly to: string;
  readonly createdUnixMs: number;
}

export interface HistoryInput {
  /** Agent id, agent@hub, or #channel. */
  readonly peer: string;
  /** Clamped to 1…500; absent = 50. */
  readonly limit?: number;
  readonly cursor?: string;
}

export interface HistoryPage {
  /** Encoded envelopes, newest first. */
  readonly envelopes: readonly Uint8Array[];
  /** For older messages; undefined = that was all. A page may be empty and still have one. */
  readonly cursor: string | undefined;
}

export interface DeadMessage {
  readonly messageId: string;
  readonly to: string;
  readonly state: "failed" | "expired";
  readonly reason: string;
  readonly atUnixMs: number;
}

export interface AttachInput {
  /** Deliver after this; absent = after the committed ack. */
  readonly cursor?: string;
  /** At most this many delivered and unacknowledged at once; 0 or absent = unbounded. */
  readonly window?: number;
  /** Deliver nothing until `resume`. */
  readonly isPaused?: boolean;
}

/** A live delivery to one reader. */
export interface Attachment {
  /** Where delivery started. */
  readonly start: Position;
  /** Everything up to here was handled; answers when durable. @throws MeshError gap */
  ack(position: Position): Promise<Position>;
  pause(): void;
  resume(): void;
  setWindow(window: number): void;
  detach(): void;
}
