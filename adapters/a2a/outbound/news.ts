import {
  DeliveryFailure,
  isInterrupted,
  isTerminal,
  type JsonObject,
  type RemoteNews,
} from "../../../src/adapter-kit.ts";
import {
  SendMessageResponseSchema,
  type StreamResponse,
  StreamResponseSchema,
  type Task,
  TaskSchema,
  TaskState,
} from "../../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError } from "../a2a-error.ts";
import { messageFromJson } from "../json.ts";
import {
  artifactUpdateFromA2aUpdate,
  messageFromA2aMessage,
  statusFromA2aStatus,
  taskFromA2aTask,
} from "../messages.ts";

/** What a stream says, of its JSON in the words of 1.0. @throws DeliveryFailure for what is none */
export function newsFromStreamed(json: JsonObject): RemoteNews {
  return readable(() => newsFromResponse(messageFromJson(StreamResponseSchema, json)));
}

/** What a call that does not stream says. @throws DeliveryFailure */
export function newsFromAnswer(json: JsonObject): RemoteNews {
  return readable(() => newsFromResponse(messageFromJson(SendMessageResponseSchema, json)));
}

/** @throws DeliveryFailure */
export function newsFromTask(json: JsonObject): RemoteNews {
  return readable(() => taskNews(messageFromJson(TaskSchema, json)));
}

/** Whether nothing changes it any more. */
export function isOver(news: RemoteNews): boolean {
  if (news.kind === "message") return true;
  const status = news.kind === "task" ? news.task.status : news.kind === "status" ? news.status : undefined;
  return status !== undefined && isTerminal(status.state);
}

/** Whether its stream has no more to say: the task has ended, or waits for the caller. */
export function isLast(news: RemoteNews): boolean {
  if (news.kind === "message") return true;
  const status = news.kind === "task" ? news.task.status : news.kind === "status" ? news.status : undefined;
  if (status === undefined) return false;
  return isOver(news) || (isInterrupted(status.state) && status.state !== AUTH_REQUIRED);
}

/** The task goes on by itself when the caller has authorised it elsewhere. */
const AUTH_REQUIRED: number = TaskState.AUTH_REQUIRED;

type Payload = StreamResponse["payload"];

function newsFromResponse({ payload }: { readonly payload: Payload }): RemoteNews {
  switch (payload.case) {
    case "task":
      return taskNews(payload.value);
    case "message":
      return { kind: "message", message: messageFromA2aMessage(payload.value) };
    case "statusUpdate": {
      const { taskId, contextId, status, metadata } = payload.value;
      if (status === undefined) break;
      return { kind: "status", place: { taskId, contextId }, status: statusFromA2aStatus(status), metadata };
    }
    case "artifactUpdate": {
      const { taskId, contextId } = payload.value;
      return {
        kind: "artifact",
        place: { taskId, contextId },
        update: artifactUpdateFromA2aUpdate(payload.value),
      };
    }
  }
  throw new DeliveryFailure("it answered what is neither a task nor a message", {
    isFinal: true,
    isAnswer: true,
  });
}

function taskNews(task: Task): RemoteNews {
  const { id: taskId, contextId } = task;
  return { kind: "task", place: { taskId, contextId }, task: taskFromA2aTask(task) };
}

function readable<T>(read: () => T): T {
  try {
    return read();
  } catch (thrown) {
    if (!(thrown instanceof A2aError)) throw thrown;
    throw new DeliveryFailure(`it does not speak A2A: ${thrown.message}`, {
      isFinal: true,
      isAnswer: true,
      cause: thrown,
    });
  }
}
