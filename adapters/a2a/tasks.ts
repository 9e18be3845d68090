import { create } from "@bufbuild/protobuf";
import { timestampMs } from "@bufbuild/protobuf/wkt";
import { isTerminal, MeshError, present } from "../../src/adapter-kit.ts";
import {
  type ListTasksRequest,
  type ListTasksResponse,
  ListTasksResponseSchema,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError, invalidParams } from "./a2a-error.ts";
import { type Asked, agentOf, HUB } from "./asked.ts";
import { checkedHistoryLength, checkedStruct } from "./checks.ts";
import { a2aErrorFromMesh } from "./errors.ts";
import { a2aTaskFromTask, withoutArtifacts } from "./messages.ts";
import type { Operations } from "./operations.ts";
import { receiptedTask } from "./receipts.ts";
import { isOpenTo, type TaskAccess, taskFor } from "./task-access.ts";
import { followTask, itemsFromTask } from "./task-stream.ts";

const DEFAULT_PAGE = 50;
const MAX_PAGE = 100;

type TaskOperations = Pick<Operations, "getTask" | "listTasks" | "cancelTask" | "subscribeToTask">;

/** What is done with tasks that are there. */
export function createTaskOperations(access: TaskAccess): TaskOperations {
  const { tasks } = access;
  return {
    async getTask(asked, request) {
      const historyLength = checkedHistoryLength(request.historyLength);
      const task = await taskFor(access, asked, { ...request, historyLength });
      return receiptedTask(tasks, asked, a2aTaskFromTask(task, historyLength));
    },
    listTasks: (asked, request) => list(access, asked, request),
    async cancelTask(asked, request) {
      const metadata = checkedStruct(request.metadata, "metadata");
      const { id } = await taskFor(access, asked, { ...request, historyLength: 0 });
      try {
        const canceled = a2aTaskFromTask(await tasks.cancel(asked.call, id, metadata));
        return await receiptedTask(tasks, asked, canceled);
      } catch (thrown) {
        if (!(thrown instanceof MeshError) || thrown.code !== "failed_precondition") throw thrown;
        throw a2aErrorFromMesh(thrown, "TASK_NOT_CANCELABLE");
      }
    },
    async subscribeToTask(asked, request) {
      const { after, extensions } = asked;
      const task = await taskFor(access, asked, { ...request, historyLength: 0 });
      const hasEnded = isTerminal(task.status?.state ?? 0);
      if (hasEnded && (after === undefined || BigInt(after) >= task.sequence)) {
        throw new A2aError(
          "UNSUPPORTED_OPERATION",
          "the task has ended: there is nothing to follow any more",
          {
            metadata: { hint: "GetTask gives it as it is" },
          },
        );
      }
      const subscription = await followTask(tasks, asked, task.id);
      return itemsFromTask(subscription, {
        ...{ taskId: task.id, contextId: task.contextId },
        ...{ historyLength: undefined, endsWhenWaiting: false, extensions },
      });
    },
  };
}

async function list(access: TaskAccess, asked: Asked, request: ListTasksRequest): Promise<ListTasksResponse> {
  const agent = agentOf(asked, request.tenant);
  const historyLength = checkedHistoryLength(request.historyLength);
  const { pageSize = DEFAULT_PAGE, statusTimestampAfter: after } = request;
  if (pageSize < 1 || pageSize > MAX_PAGE) {
    throw invalidParams({ field: "pageSize", description: `must be from 1 to ${MAX_PAGE}` });
  }
  if (agent === HUB) return create(ListTasksResponseSchema, { pageSize });
  // What strangers gave is known to whoever has the task's id, and listed to nobody.
  if (await isOpenTo(access, asked, agent)) return create(ListTasksResponseSchema, { pageSize });
  const page = await access.tasks.list(asked.call, {
    worker: agent,
    limit: pageSize,
    includeArtifacts: request.includeArtifacts === true,
    ...present({
      contextId: request.contextId || undefined,
      state: request.status === 0 ? undefined : request.status,
      changedAfterUnixMs: after === undefined ? undefined : Math.max(0, timestampMs(after)),
      cursor: request.pageToken || undefined,
      historyLength,
    }),
  });
  const shown = page.tasks
    .map((task) => a2aTaskFromTask(task, historyLength))
    .map((task) => (request.includeArtifacts === true ? task : withoutArtifacts(task)));
  return create(ListTasksResponseSchema, {
    tasks: await Promise.all(shown.map((task) => receiptedTask(access.tasks, asked, task))),
    nextPageToken: page.cursor ?? "",
    pageSize,
    totalSize: page.total,
  });
}
