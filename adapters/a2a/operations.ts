import type {
  AgentCard,
  CancelTaskRequest,
  DeleteTaskPushNotificationConfigRequest,
  GetExtendedAgentCardRequest,
  GetTaskPushNotificationConfigRequest,
  GetTaskRequest,
  ListTaskPushNotificationConfigsRequest,
  ListTaskPushNotificationConfigsResponse,
  ListTasksRequest,
  ListTasksResponse,
  SendMessageRequest,
  SendMessageResponse,
  SubscribeToTaskRequest,
  Task,
  TaskPushNotificationConfig,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import type { Asked } from "./asked.ts";
import type { ItemStream } from "./task-stream.ts";

/**
 * The operations of A2A 1.0, each once, for all bindings and for the compatibility with 0.3. Requests are checked here.
 * Each throws A2aError and MeshError; those that give a stream throw before it begins whatever is wrong with the call.
 */
export interface Operations {
  sendMessage(asked: Asked, request: SendMessageRequest): Promise<SendMessageResponse>;
  sendStreamingMessage(asked: Asked, request: SendMessageRequest): Promise<ItemStream>;
  getTask(asked: Asked, request: GetTaskRequest): Promise<Task>;
  listTasks(asked: Asked, request: ListTasksRequest): Promise<ListTasksResponse>;
  cancelTask(asked: Asked, request: CancelTaskRequest): Promise<Task>;
  subscribeToTask(asked: Asked, request: SubscribeToTaskRequest): Promise<ItemStream>;
  createTaskPushNotificationConfig(
    asked: Asked,
    request: TaskPushNotificationConfig,
  ): Promise<TaskPushNotificationConfig>;
  getTaskPushNotificationConfig(
    asked: Asked,
    request: GetTaskPushNotificationConfigRequest,
  ): Promise<TaskPushNotificationConfig>;
  listTaskPushNotificationConfigs(
    asked: Asked,
    request: ListTaskPushNotificationConfigsRequest,
  ): Promise<ListTaskPushNotificationConfigsResponse>;
  deleteTaskPushNotificationConfig(
    asked: Asked,
    request: DeleteTaskPushNotificationConfigRequest,
  ): Promise<void>;
  getExtendedAgentCard(asked: Asked, request: GetExtendedAgentCardRequest): Promise<AgentCard>;
}
