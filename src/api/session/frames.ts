import type { MeshError } from "../../model/errors.ts";
import type { Position } from "../../model/position.ts";
import type { LogRecord } from "../../ports/message-log.ts";
import type { SendInput, Sent } from "../relay-api.ts";

/** A frame from an agent (meshkore.v1.SessionRequest), whichever wire it came by. */
export interface ClientFrame {
  readonly hello: Hello | undefined;
  readonly sends: readonly SessionSend[];
  readonly ack: Position | undefined;
  readonly flow: Flow | undefined;
  /** Absent = 0. A text of digits beyond what a number tells exactly. */
  readonly ping: number | string;
}

export interface Hello {
  readonly token: string;
  readonly cursor: string;
  readonly noDelivery: boolean;
  readonly window: number;
}

export interface SessionSend {
  /** The sender's own number or text for this send, given back with its result. */
  readonly ref: number | string;
  /** An error when this send cannot be read: it is refused alone, the others of the frame are not harmed. */
  readonly input: SendInput | MeshError;
}

/** Of one frame. */
export const MAX_SENDS = 10_000;

export interface Flow {
  readonly pause: boolean;
  readonly resume: boolean;
  readonly window: number;
}

export interface Welcome {
  readonly agentId: string;
  readonly hubId: string;
  readonly cursor: string;
  readonly expiresUnixMs: number;
  readonly maxPayloadBytes: number;
  readonly maxFrameBytes: number;
}

/** Gathers what is to be told to the agent, and gives it as one frame. */
export interface FrameWriter {
  welcome(welcome: Welcome): void;
  accepted(ref: number | string, sent: Sent): void;
  refused(ref: number | string, error: MeshError): void;
  deliver(records: readonly LogRecord[]): void;
  acked(position: Position): void;
  pong(number: number | string): void;
  failed(error: MeshError): void;
  /** Bytes gathered, about. */
  readonly size: number;
  /** The frame, and an empty writer; undefined when there is nothing to tell. */
  take(): Uint8Array | string | undefined;
}

/** One wire of the session: how frames are read and written. */
export interface FrameCodec {
  readonly subprotocol: "meshkore.v1.proto" | "meshkore.v1.json";
  /** Takes no text frames. */
  readonly isBinary: boolean;
  /** @throws MeshError malformed: the session ends; invalid_argument: nothing of the frame is done, it goes on */
  read(data: Uint8Array): ClientFrame;
  createWriter(): FrameWriter;
}
