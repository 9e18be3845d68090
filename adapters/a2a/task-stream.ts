import { create, type JsonObject, type MessageInitShape } from "@bufbuild/protobuf";
import {
  isTerminal,
  type ReceiptedNews,
  type ReceiptedSubscription,
  type TaskApi,
  type TaskEvent,
  type TaskNews,
  type TaskReceipt,
  type TaskSubscription,
} from "../../src/adapter-kit.ts";
import {
  TaskState as States,
  type StreamResponse,
  StreamResponseSchema,
  type Task,
  TaskArtifactUpdateEventSchema,
  TaskStatusUpdateEventSchema,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import type { Asked } from "./asked.ts";
import { RECEIPTS, RESUME } from "./extensions.ts";
import { a2aArtifactFromArtifact, a2aStatusFromStatus, a2aTaskFromTask } from "./messages.ts";
import { receiptKey, receiptMetadata } from "./receipts.ts";

/** What a stream hands out. */
export interface StreamItem {
  readonly response: StreamResponse;
  /** Of the event that is whole with this item: who has it goes on from here. */
  readonly sequence: number | undefined;
}

/** Its `return` ends the subscription behind it. */
export type ItemStream = AsyncGenerator<StreamItem, void, undefined>;

export interface TaskStreamOptions {
  readonly taskId: string;
  readonly contextId: string;
  /** The task to begin with, when the subscription goes on behind it. */
  readonly first?: FirstNews;
  readonly historyLength: number | undefined;
  /** A task that waits for the caller already when the stream begins ends it, as one that comes to wait does. */
  readonly endsWhenWaiting: boolean;
  readonly extensions: ReadonlySet<string>;
}

/** What nobody asked for is not there. */
type News =
  | (TaskNews & { readonly receipt?: TaskReceipt | undefined; readonly status?: undefined })
  | ReceiptedNews;
type FirstNews = Extract<News, { readonly task: object }>;
type NewsStream = TaskSubscription | ReceiptedSubscription;

/** Follows a task from what the caller has, with receipts when it asks for them. @throws as TaskApi.subscribe */
export function followTask(
  tasks: Pick<TaskApi, "subscribe" | "subscribeWithReceipts">,
  { call, extensions, after }: Pick<Asked, "call" | "extensions" | "after">,
  taskId: string,
): Promise<NewsStream> {
  return extensions.has(RECEIPTS)
    ? tasks.subscribeWithReceipts(call, taskId, after)
    : tasks.subscribe(call, taskId, after);
}

/**
 * A task as A2A streams it: the task, then what changes, in order, the same for everybody. Ends with the task, and when
 * the task comes to wait for the caller's next message; not while it waits for an authorisation, which comes by another
 * way. Who asks for receipts gets them with the task and with each status, and between them in updates that repeat the
 * status.
 */
export async function* itemsFromTask(subscription: NewsStream, options: TaskStreamOptions): ItemStream {
  let told: string | undefined;
  try {
    for await (const news of behind(options.first, subscription)) {
      const { task, event, receipt } = news;
      const items = itemsFromNews(news, options);
      const key = receipt && receiptKey(receipt);
      if (items.length === 0 && key !== told) items.push(...itemsFromReceipt(news, options));
      if (items.some(({ response }) => response.payload.case !== "artifactUpdate")) told = key;
      yield* items;
      const { state = States.UNSPECIFIED } = (task ?? event)?.status ?? {};
      if (isOver(state) && (task === undefined || options.endsWhenWaiting)) return;
    }
  } finally {
    subscription.close();
  }
}

async function* behind(
  first: FirstNews | undefined,
  rest: NewsStream,
): AsyncGenerator<News, void, undefined> {
  if (first !== undefined) yield first;
  yield* rest as AsyncIterable<News>;
}

function isOver(state: number): boolean {
  return isTerminal(state) || state === States.INPUT_REQUIRED;
}

function itemsFromNews({ task, event, sequence, receipt }: News, options: TaskStreamOptions): StreamItem[] {
  if (task === undefined && event === undefined) return [];
  const responses =
    task === undefined
      ? responsesFromEvent(event)
      : [taskResponse(a2aTaskFromTask(task, options.historyLength))];
  if (options.extensions.has(RESUME))
    for (const one of responses) note(one, { [`${RESUME}/sequence`]: sequence });
  for (const one of responses) if (one.payload.case !== "artifactUpdate") note(one, receiptMetadata(receipt));
  // Only the last item of an event has its sequence.
  return responses.map((response, index) => ({
    response,
    sequence: index === responses.length - 1 ? sequence : undefined,
  }));
}

/** A status that ends the stream is not repeated: to some clients each such update is the end. */
function itemsFromReceipt({ status, receipt }: News, { taskId, contextId }: TaskStreamOptions): StreamItem[] {
  if (status === undefined || isOver(status.state)) return [];
  // What it said was told, and is history to clients that keep one.
  const { message: _told, ...rest } = a2aStatusFromStatus(status);
  const response = statusResponse({ taskId, contextId, status: rest });
  note(response, receiptMetadata(receipt));
  return [{ response, sequence: undefined }];
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
    responses.push(
      statusResponse({
        ...{ taskId, contextId, status: a2aStatusFromStatus(status) },
        ...(metadata !== undefined && { metadata }),
      }),
    );
  }
  return responses;
}

function statusResponse(update: MessageInitShape<typeof TaskStatusUpdateEventSchema>): StreamResponse {
  const value = create(TaskStatusUpdateEventSchema, update);
  return create(StreamResponseSchema, { payload: { case: "statusUpdate", value } });
}

function taskResponse(value: Task): StreamResponse {
  return create(StreamResponseSchema, { payload: { case: "task", value } });
}

/** Adds to the metadata of what was just made. */
function note({ payload }: StreamResponse, metadata: JsonObject): void {
  if (payload.value !== undefined && Object.keys(metadata).length > 0)
    payload.value.metadata = { ...payload.value.metadata, ...metadata };
}
