import {
  type ListTasksRequest,
  type SubscribeTaskRequest,
  TaskService,
} from "../../gen/meshkore/v1/tasks_pb.js";
import { present } from "../../model/present.ts";
import type { Call } from "../../model/principal.ts";
import type { RpcService } from "../../ports/rpc.ts";
import type { ListTasksInput } from "../task-api.ts";
import { bindService } from "./bind.ts";
import {
  countOrAbsent,
  numberFromUint64,
  requiredMessage,
  requiredText,
  textOrAbsent,
  uint64FromNumber,
} from "./fields.ts";
import type { NativeDeps } from "./native-deps.ts";

/** TaskService over HubApi. */
export function createTaskService({ api }: NativeDeps): RpcService {
  const { tasks, registry } = api;
  return bindService(
    TaskService,
    {
      createTask(request, call) {
        const { to, message, metadata, acceptedOutputModes, noInbox } = request;
        return tasks.create(call, {
          to: requiredText("to", to, "the id of an agent"),
          message: requiredMessage("message", message),
          ...{ acceptedOutputModes, noInbox },
          ...present({
            metadata,
            dedupeKey: textOrAbsent(request.dedupeKey),
            traceparent: textOrAbsent(request.traceparent) ?? call.traceparent,
          }),
        });
      },
      async getTask({ taskId, historyLength }, call) {
        return { task: await tasks.get(call, requiredTask(taskId), present({ historyLength })) };
      },
      async listTasks(request, call) {
        const { tasks: page, cursor, total } = await tasks.list(call, listFrom(request));
        return { tasks: [...page], cursor: cursor ?? "", total };
      },
      async sendTaskMessage({ taskId, message }, call) {
        return { task: await tasks.say(call, requiredTask(taskId), requiredMessage("message", message)) };
      },
      async updateTask(request, call) {
        const { artifact, status, metadata } = request;
        const update = present({ artifact, status, metadata, dedupeKey: textOrAbsent(request.dedupeKey) });
        return { task: await tasks.update(call, requiredTask(request.taskId), update) };
      },
      async cancelTask({ taskId, metadata }, call) {
        return { task: await tasks.cancel(call, requiredTask(taskId), metadata) };
      },
      subscribeTask: (request, call) => subscribe(api, request, call),
    },
    { registry },
  );
}

async function* subscribe({ tasks }: NativeDeps["api"], { taskId, after }: SubscribeTaskRequest, call: Call) {
  const from = after === undefined ? undefined : numberFromUint64("after", after);
  const subscription = await tasks.subscribe(call, requiredTask(taskId), from);
  try {
    for await (const { task, event, sequence } of subscription) {
      yield { ...present({ task, event }), sequence: uint64FromNumber(sequence) };
    }
  } finally {
    subscription.close();
  }
}

function listFrom(request: ListTasksRequest): ListTasksInput {
  const { includeArtifacts, historyLength } = request;
  const changedAfter = numberFromUint64("changed_after_unix_ms", request.changedAfterUnixMs);
  return {
    includeArtifacts,
    ...present({
      historyLength,
      contextId: textOrAbsent(request.contextId),
      state: countOrAbsent(request.state),
      peer: textOrAbsent(request.peer),
      changedAfterUnixMs: countOrAbsent(changedAfter),
      limit: countOrAbsent(request.limit),
      cursor: textOrAbsent(request.cursor),
    }),
  };
}

function requiredTask(taskId: string): string {
  return requiredText("task_id", taskId, "the id that the task was created under");
}
