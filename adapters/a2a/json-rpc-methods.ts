import type { DescMessage, MessageShape } from "@bufbuild/protobuf";
import type { JsonValue } from "../../src/adapter-kit.ts";
import {
  AgentCardSchema,
  CancelTaskRequestSchema,
  DeleteTaskPushNotificationConfigRequestSchema,
  GetExtendedAgentCardRequestSchema,
  GetTaskPushNotificationConfigRequestSchema,
  GetTaskRequestSchema,
  ListTaskPushNotificationConfigsRequestSchema,
  ListTasksRequestSchema,
  SendMessageRequestSchema,
  SendMessageResponseSchema,
  StreamResponseSchema,
  SubscribeToTaskRequestSchema,
  TaskPushNotificationConfigSchema,
  TaskSchema,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import type { Asked } from "./asked.ts";
import { jsonFromConfigPage, jsonFromMessage, jsonFromTaskPage, messageFromJson } from "./json.ts";
import type { Operations } from "./operations.ts";
import type { ItemStream } from "./task-stream.ts";

/** One thing of a stream, as JSON. */
export interface JsonItem {
  readonly json: JsonValue;
  readonly sequence: number | undefined;
}

export type JsonStream = AsyncGenerator<JsonItem, void, undefined>;

/** A method over JSON, of whichever version of the protocol. Both kinds throw A2aError and MeshError. */
export type JsonMethod = UnaryMethod | StreamMethod;

export interface UnaryMethod {
  readonly kind: "unary";
  call(asked: Asked, params: unknown): Promise<JsonValue>;
}

export interface StreamMethod {
  readonly kind: "stream";
  open(asked: Asked, params: unknown): Promise<JsonStream>;
}

/** The methods of A2A 1.0, by the names that JSON-RPC has for them. */
export function createMethods(operations: Operations) {
  const {
    sendMessage,
    sendStreamingMessage,
    getTask,
    listTasks,
    cancelTask,
    subscribeToTask,
    createTaskPushNotificationConfig,
    getTaskPushNotificationConfig,
    listTaskPushNotificationConfigs,
    deleteTaskPushNotificationConfig,
    getExtendedAgentCard,
  } = operations;
  return {
    SendMessage: unary(SendMessageRequestSchema, async (asked, request) =>
      jsonFromMessage(SendMessageResponseSchema, await sendMessage(asked, request)),
    ),
    SendStreamingMessage: stream(SendMessageRequestSchema, sendStreamingMessage),
    GetTask: unary(GetTaskRequestSchema, async (asked, request) =>
      jsonFromMessage(TaskSchema, await getTask(asked, request)),
    ),
    ListTasks: unary(ListTasksRequestSchema, async (asked, request) =>
      jsonFromTaskPage(await listTasks(asked, request), request.includeArtifacts === true),
    ),
    CancelTask: unary(CancelTaskRequestSchema, async (asked, request) =>
      jsonFromMessage(TaskSchema, await cancelTask(asked, request)),
    ),
    SubscribeToTask: stream(SubscribeToTaskRequestSchema, subscribeToTask),
    CreateTaskPushNotificationConfig: unary(TaskPushNotificationConfigSchema, async (asked, request) =>
      jsonFromMessage(
        TaskPushNotificationConfigSchema,
        await createTaskPushNotificationConfig(asked, request),
      ),
    ),
    GetTaskPushNotificationConfig: unary(GetTaskPushNotificationConfigRequestSchema, async (asked, request) =>
      jsonFromMessage(TaskPushNotificationConfigSchema, await getTaskPushNotificationConfig(asked, request)),
    ),
    ListTaskPushNotificationConfigs: unary(
      ListTaskPushNotificationConfigsRequestSchema,
      async (asked, request) => jsonFromConfigPage(await listTaskPushNotificationConfigs(asked, request)),
    ),
    DeleteTaskPushNotificationConfig: unary(
      DeleteTaskPushNotificationConfigRequestSchema,
      async (asked, request) => {
        await deleteTaskPushNotificationConfig(asked, request);
        return {};
      },
    ),
    GetExtendedAgentCard: unary(GetExtendedAgentCardRequestSchema, async (asked, request) =>
      jsonFromMessage(AgentCardSchema, await getExtendedAgentCard(asked, request)),
    ),
  } satisfies Readonly<Record<Capitalize<keyof Operations>, JsonMethod>>;
}

function unary<Desc extends DescMessage>(
  schema: Desc,
  call: (asked: Asked, request: MessageShape<Desc>) => Promise<JsonValue>,
): UnaryMethod {
  return {
    kind: "unary",
    call: async (asked, params) => call(asked, messageFromJson(schema, params ?? {})),
  };
}

function stream<Desc extends DescMessage>(
  schema: Desc,
  open: (asked: Asked, request: MessageShape<Desc>) => Promise<ItemStream>,
): StreamMethod {
  return {
    kind: "stream",
    open: async (asked, params) => jsonItems(await open(asked, messageFromJson(schema, params ?? {}))),
  };
}

async function* jsonItems(items: ItemStream): JsonStream {
  for await (const { response, sequence } of items) {
    yield { json: jsonFromMessage(StreamResponseSchema, response), sequence };
  }
}
