import { create } from "@bufbuild/protobuf";
import {
  MeshError,
  type NewPush,
  type PushApi,
  type PushConfig,
  present,
  type Task,
} from "../../src/adapter-kit.ts";
import {
  AuthenticationInfoSchema,
  ListTaskPushNotificationConfigsResponseSchema,
  type SendMessageRequest,
  type TaskPushNotificationConfig,
  TaskPushNotificationConfigSchema,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { invalidParams, taskNotFound } from "./a2a-error.ts";
import type { Asked } from "./asked.ts";
import type { Operations } from "./operations.ts";
import { PUSH_DIALECTS } from "./push-renderers.ts";
import { orNotFound, type TaskAccess, taskFor } from "./task-access.ts";
import type { ProtocolVersion } from "./versions.ts";

const MAX_PAGE = 100;

type PushOperations = Pick<
  Operations,
  | "createTaskPushNotificationConfig"
  | "getTaskPushNotificationConfig"
  | "listTaskPushNotificationConfigs"
  | "deleteTaskPushNotificationConfig"
>;

export interface PushDeps extends TaskAccess {
  readonly push: PushApi;
}

/** Push notification configs are the hub's pushes of a task. Only whoever gave the task has to do with them. */
export function createPushOperations(deps: PushDeps): PushOperations {
  const { push } = deps;
  async function known(asked: Asked, tenant: string, id: string): Promise<Task> {
    const task = await taskFor(deps, asked, { tenant, id, field: "taskId", historyLength: 0 });
    const { principal } = asked.call;
    // Configs hold secrets of who gave the task: to its worker there is nothing to see.
    if (principal.kind === "agent" && principal.agentId === task.worker && task.caller !== task.worker) {
      throw taskNotFound();
    }
    return task;
  }
  return {
    async createTaskPushNotificationConfig(asked, request) {
      const wanted = newPush(asked, request);
      const { id: taskId } = await known(asked, request.tenant, request.taskId);
      return configFrom(await set(push, asked, { ...wanted, taskId }), request.tenant);
    },
    async getTaskPushNotificationConfig(asked, { tenant, taskId, id }) {
      const task = await known(asked, tenant, taskId);
      if (id === "") throw invalidParams({ field: "id", description: "is missing" });
      return configFrom(await orNotFound(push.get(asked.call, task.id, id)), tenant);
    },
    async listTaskPushNotificationConfigs(asked, { tenant, taskId, pageSize, pageToken }) {
      if (pageSize < 0 || pageSize > MAX_PAGE) {
        throw invalidParams({ field: "pageSize", description: `must be from 1 to ${MAX_PAGE}` });
      }
      const task = await known(asked, tenant, taskId);
      const page = present({ limit: pageSize || undefined, cursor: pageToken || undefined });
      const { pushes, cursor } = await orNotFound(push.list(asked.call, task.id, page));
      return create(ListTaskPushNotificationConfigsResponseSchema, {
        configs: pushes.map((one) => configFrom(one, tenant)),
        nextPageToken: cursor ?? "",
      });
    },
    async deleteTaskPushNotificationConfig(asked, { tenant, taskId, id }) {
      const task = await known(asked, tenant, taskId);
      await orNotFound(push.remove(asked.call, task.id, id));
    },
  };
}

/**
 * Keeps the config that comes with a message for the task that the message gives. What can be checked is checked before
 * there is a task. @throws A2aError INVALID_PARAMS
 */
export function createPushFor(push: PushApi) {
  return (asked: Asked, { configuration }: SendMessageRequest): ((task: Task) => Promise<void>) => {
    const config = configuration?.taskPushNotificationConfig;
    // Clients that have none send an empty one.
    if (config === undefined || config.url === "") return async () => undefined;
    const wanted = newPush(asked, config);
    return async ({ id, sequence }) => {
      await setUnlessOver(push, asked, { ...wanted, taskId: id, after: Number(sequence) });
    };
  };
}

/** A task that is over by now has no more news: its end stands in the answer to the message. */
async function setUnlessOver(push: PushApi, asked: Asked, wanted: NewPush): Promise<void> {
  try {
    await set(push, asked, wanted);
  } catch (thrown) {
    if (!(thrown instanceof MeshError) || thrown.code !== "failed_precondition") throw thrown;
  }
}

async function set(push: PushApi, { call }: Asked, wanted: NewPush): Promise<PushConfig> {
  try {
    return await orNotFound(push.set(call, wanted));
  } catch (thrown) {
    const isRefused =
      thrown instanceof MeshError &&
      (thrown.code === "invalid_argument" || thrown.code === "permission_denied");
    if (!isRefused) throw thrown;
    throw invalidParams({ field: "url", description: thrown.message });
  }
}

function newPush(
  { version }: { readonly version: ProtocolVersion },
  { id, url, token, authentication }: TaskPushNotificationConfig,
): Omit<NewPush, "taskId"> {
  if (!isHttpUrl(url)) {
    throw invalidParams({ field: "url", description: "must be an http or https URL" });
  }
  return {
    ...{ url, token },
    dialect: PUSH_DIALECTS[version],
    ...(id !== "" && { configId: id }),
    ...(authentication !== undefined && {
      scheme: authentication.scheme,
      credentials: authentication.credentials,
    }),
  };
}

function isHttpUrl(text: string): boolean {
  return URL.canParse(text) && /^https?:$/.test(new URL(text).protocol);
}

/** Secrets included: only whoever gave them asks. */
function configFrom(push: PushConfig, tenant: string): TaskPushNotificationConfig {
  const { taskId, configId, url, token, scheme, credentials } = push;
  return create(TaskPushNotificationConfigSchema, {
    ...{ tenant, taskId, id: configId, url, token },
    ...(scheme !== "" && { authentication: create(AuthenticationInfoSchema, { scheme, credentials }) }),
  });
}
