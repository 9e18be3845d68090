import { create, fromBinary, toBinary } from "@bufbuild/protobuf";
import {
  type TaskEvent,
  TaskEventSchema,
  type TaskStatus,
  TaskStatusSchema,
} from "../../gen/meshkore/v1/tasks_pb.js";
import { EMPTY_HEADER, type Header } from "../../model/envelope.ts";
import { decodeEnvelope, encodeEnvelope } from "../../model/envelope-codec.ts";
import { MeshError } from "../../model/errors.ts";
import { TASK_EVENT_TYPE } from "../../model/task.ts";
import type { LogRecord, StreamName } from "../../ports/message-log.ts";

const STREAM_PREFIX = "task/";

/** The stream that holds a task's events: an event's sequence is its offset there. */
export function taskStream(taskId: string): StreamName {
  return `${STREAM_PREFIX}${taskId}`;
}

export function isTaskStream(stream: StreamName): boolean {
  return stream.startsWith(STREAM_PREFIX);
}

/** What of the envelope the event itself does not say. */
export interface TaskEnvelope {
  readonly id: string;
  /** Who is to read it: the other side of the author. */
  readonly to: string;
  readonly createdUnixMs: number;
  readonly dedupeKey: string;
  readonly traceparent: string;
}

/** The stored form of an event. */
export function envelopeFromEvent(event: TaskEvent, envelope: TaskEnvelope): Buffer {
  const header: Header = {
    ...EMPTY_HEADER,
    ...envelope,
    kind: event.created === undefined ? "TASK_EVENT" : "TASK",
    from: event.author,
    taskId: event.taskId,
    contextId: event.contextId,
    contentType: TASK_EVENT_TYPE,
    // A task's own states tell its parties what receipts would.
    noReceipts: true,
  };
  return encodeEnvelope(header, toBinary(TaskEventSchema, event));
}

/** What is left of an event when its author is erased: that it was, and where it brought the task. */
export function erasedEvent(payload: Uint8Array): Uint8Array {
  const { taskId, author, created, status } = fromBinary(TaskEventSchema, payload);
  const left = create(TaskEventSchema, {
    ...{ taskId, author },
    ...(created === undefined ? {} : { created: { worker: created.worker, caller: created.caller } }),
    ...(status === undefined ? {} : { status: withoutMessage(status) }),
  });
  return toBinary(TaskEventSchema, left);
}

/** An event that does not name its context. */
export function withoutContext(payload: Uint8Array): Uint8Array {
  const event = fromBinary(TaskEventSchema, payload);
  event.contextId = "";
  for (const message of [event.message, event.status?.message])
    if (message !== undefined) message.contextId = "";
  return toBinary(TaskEventSchema, event);
}

function withoutMessage({ state, timestamp }: TaskStatus): TaskStatus {
  return create(TaskStatusSchema, { state, ...(timestamp === undefined ? {} : { timestamp }) });
}

/**
 * An event that is about to be stored, as its readers will see it. What is written must be readable: the codec reads values that nest some 30 levels, and writes deeper ones.
 * @throws MeshError invalid_argument
 */
export function readableEvent(bytes: Uint8Array): Omit<StoredTaskEvent, "sequence"> {
  try {
    return eventFromBytes(bytes);
  } catch (cause) {
    throw new MeshError("invalid_argument", "a value in parts or metadata is nested too deeply", {
      hint: "values nest at most 30 levels; send what is deeper as text or bytes",
      cause,
    });
  }
}

/** An event as stored, with what its envelope says. */
export interface StoredTaskEvent {
  readonly event: TaskEvent;
  readonly header: Header;
  readonly sequence: number;
}

/** Reads a record of a task's stream. */
export function eventFromRecord({ bytes, offset }: LogRecord): StoredTaskEvent {
  return { ...eventFromBytes(bytes), sequence: offset };
}

function eventFromBytes(bytes: Uint8Array): Omit<StoredTaskEvent, "sequence"> {
  const { header, payload } = decodeEnvelope(bytes);
  return { event: fromBinary(TaskEventSchema, payload), header };
}
