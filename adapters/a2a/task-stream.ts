import { create } from "@bufbuild/protobuf";
import { isTerminal, type Task, type TaskEvent, type TaskSubscription } from "../../src/adapter-kit.ts";
import {
  TaskState as States,
  type StreamResponse,
  StreamResponseSchema,
  TaskArtifactUpdateEventSchema,
  TaskStatusUpdateEventSchema,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { RESUME } from "./extensions.ts";
import { a2aArtifactFromArtifact, a2aStatusFromStatus, a2aTaskFromTask } from "./messages.ts";

/** What a stream hands out. */
export interface StreamItem {
  readonly response: StreamResponse;
  /** Of the event that is whole with this item: who has it goes on from here. */
  readonly sequence: number | undefined;
}

/** Its `return` ends the subscription behind it. */
export type ItemStream = AsyncGenerator<StreamItem, void, undefined>;

export interface TaskStreamOptions {
  /** The task to begin with, when the subscription goes on behind it. */
  readonly first?: Task;
  readonly historyLength: number | undefined;
  /** A task that waits for the caller already when the stream begins ends it, as one that comes to wait does. */
  readonly endsWhenWaiting: boolean;
  readonly extensions: ReadonlySet<string>;
}

/**
 * A task as A2A streams it: the task, then what changes, in order, the same for everybody. Ends with the task, and when
 * the task comes to wait for the caller's next message; not while it waits for an authorisation, which comes by another
 * way.
 */
export async function* itemsFromTask(subscription: TaskSubscription, options: TaskStreamOptions): ItemStream {
  const { first } = options;
  try {
    if (first !== undefined) {
      yield taskItem(first, options);
      if (endsWith(first, options)) return;
    }
    for await (const { task, event, sequence } of subscription) {
      if (task !== undefined) {
        yield taskItem(task, options);
        if (endsWith(task, options)) return;
      } else {
        yield* itemsFromEvent(event, sequence, options);
        if (event.status !== undefined && isOver(event.status.state)) return;
      }
    }
  } finally {
    subscription.close();
  }
}

function endsWith({ status }: Task, { endsWhenWaiting }: TaskStreamOptions): boolean {
  return endsWhenWaiting && isOver(status?.state ?? States.UNSPECIFIED);
}

function isOver(state: number): boolean {
  return isTerminal(state) || state === States.INPUT_REQUIRED;
}

/** Only the last item of an event has its sequence. */
function* itemsFromEvent(
  event: TaskEvent,
  sequence: number,
  options: TaskStreamOptions,
): Generator<StreamItem, void, undefined> {
  const responses = responsesFromEvent(event);
  for (const [index, { payload }] of responses.entries()) {
    // Of an event there are no other two.
    if (payload.case !== "artifactUpdate" && payload.case !== "statusUpdate") continue;
    const marked = { ...payload.value, ...metadataWith(payload.value.metadata, sequence, options) };
    const response = create(StreamResponseSchema, {
      payload: { ...payload, value: marked } as typeof payload,
    });
    yield { response, sequence: index === responses.length - 1 ? sequence : undefined };
  }
}

/** An event is an artifact, a status, or both, in this order; what the caller says itself is neither. */
export function responsesFromEvent(event: TaskEvent): readonly StreamResponse[] {
  const { taskId, contextId, artifact: update, status } = event;
  const responses: StreamResponse[] = [];
  if (update?.artifact !== undefined) {
    const { append, lastChunk, metadata } = update;
    const artifact = a2aArtifactFromArtifact(update.artifact);
    const value = create(TaskArtifactUpdateEventSchema, {
      ...{ taskId, contextId, artifact, append, lastChunk },
      ...(metadata !== undefined && { metadata }),
    });
    responses.push(create(StreamResponseSchema, { payload: { case: "artifactUpdate", value } }));
  }
  if (status !== undefined) {
    const { metadata } = event;
    const value = create(TaskStatusUpdateEventSchema, {
      ...{ taskId, contextId, status: a2aStatusFromStatus(status) },
      ...(metadata !== undefined && { metadata }),
    });
    responses.push(create(StreamResponseSchema, { payload: { case: "statusUpdate", value } }));
  }
  return responses;
}

function taskItem(task: Task, options: TaskStreamOptions): StreamItem {
  const sequence = Number(task.sequence);
  const shown = a2aTaskFromTask(task, options.historyLength);
  const value = { ...shown, ...metadataWith(shown.metadata, sequence, options) };
  return { response: create(StreamResponseSchema, { payload: { case: "task", value } }), sequence };
}

type Struct = NonNullable<TaskEvent["metadata"]>;

function metadataWith(
  metadata: Struct | undefined,
  sequence: number,
  { extensions }: TaskStreamOptions,
): { metadata?: Struct } {
  if (extensions.has(RESUME)) return { metadata: { ...metadata, [`${RESUME}/sequence`]: sequence } };
  return metadata === undefined ? {} : { metadata };
}
