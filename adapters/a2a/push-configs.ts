import { create } from "@bufbuild/protobuf";
import {
  isTerminal,
  MeshError,
  type NewPush,
  type PushApi,
  type PushConfig,
  type PushProblem,
  present,
  problemOfPush,
  type Task,
  type TaskApi,
} from "../../src/adapter-kit.ts";
import {
  AuthenticationInfoSchema,
  ListTaskPushNotificationConfigsResponseSchema,
  type SendMessageRequest,
  type TaskPushNotificationConfig,
  TaskPushNotificationConfigSchema,
} from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError, type FieldViolation, invalidParams, taskNotFound } from "./a2a-error.ts";
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
      const wanted = newPush(asked, request, "");
      const { id: taskId } = await known(asked, request.tenant, request.taskId);
      const kept = orInvalidUrl(orNotFound(push.set(asked.call, { ...wanted, taskId })), "");
      return configFrom(await kept, request.tenant);
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

/** The push notification config that comes with a message. */
export interface InlinePush {
  /** Whether the hub would call there; for callers alone that may give the task. @throws A2aError INVALID_PARAMS */
  check(): Promise<void>;
  /** For the task that the message gave, or went on with. */
  keep(task: Task): Promise<void>;
}

const INLINE = "configuration.taskPushNotificationConfig.";

/**
 * What is wrong with the config itself is told at once, and where it leads before there is a task.
 * @throws A2aError INVALID_PARAMS
 */
export function createPushFor({ push, tasks }: Pick<PushDeps, "push" | "tasks">) {
  return (asked: Asked, { configuration }: SendMessageRequest): InlinePush | undefined => {
    const config = configuration?.taskPushNotificationConfig;
    // Clients that have none send an empty one.
    if (config === undefined || config.url === "") return undefined;
    const wanted = newPush(asked, config, INLINE);
    return {
      check: () => orInvalidUrl(push.check(wanted), INLINE),
      async keep({ id: taskId, sequence }) {
        try {
          await orInvalidUrl(push.set(asked.call, { ...wanted, taskId, after: Number(sequence) }), INLINE);
        } catch (thrown) {
          // A task that is over by now has no more news: its end stands in the answer to the message.
          if (!isPrecondition(thrown) || !(await isOver(tasks, asked, taskId))) throw thrown;
        }
      },
    };
  };
}

async function isOver(tasks: TaskApi, { call }: Asked, taskId: string): Promise<boolean> {
  const { status } = await tasks.get(call, taskId, { historyLength: 0 });
  return isTerminal(status?.state ?? 0);
}

function isPrecondition(thrown: unknown): boolean {
  return thrown instanceof MeshError && thrown.code === "failed_precondition";
}

/** That the hub does not call there, or cannot, is the caller's to set right. */
async function orInvalidUrl<T>(answer: Promise<T>, prefix: string): Promise<T> {
  try {
    return await answer;
  } catch (thrown) {
    const isRefused =
      thrown instanceof MeshError &&
      (thrown.code === "invalid_argument" || thrown.code === "permission_denied");
    if (!isRefused) throw thrown;
    throw wrongPush({ field: `${prefix}url`, description: thrown.message }, thrown.hint);
  }
}

function wrongPush(violation: FieldViolation, hint: string | undefined): A2aError {
  return new A2aError("INVALID_PARAMS", `${violation.field}: ${violation.description}`, {
    violations: [violation],
    metadata: present({ hint }),
  });
}

/** Where the members of a new push come from. */
const FIELDS: Readonly<Record<PushProblem["field"], string>> = {
  configId: "id",
  url: "url",
  token: "token",
  scheme: "authentication.scheme",
  credentials: "authentication.credentials",
  after: "",
};

function newPush(
  { version }: { readonly version: ProtocolVersion },
  { id, url, token, authentication }: TaskPushNotificationConfig,
  prefix: string,
): Omit<NewPush, "taskId"> {
  if (!isHttpUrl(url)) {
    const hint = "give an absolute URL such as https://agent.example/hook";
    throw wrongPush({ field: `${prefix}url`, description: "must be an http or https URL" }, hint);
  }
  const push = {
    ...{ url, token },
    dialect: PUSH_DIALECTS[version],
    ...(id !== "" && { configId: id }),
    ...(authentication !== undefined && {
      scheme: authentication.scheme,
      credentials: authentication.credentials,
    }),
  };
  const problem = problemOfPush(push);
  if (problem === undefined) return push;
  throw wrongPush({ field: prefix + FIELDS[problem.field], description: "is not usable" }, problem.hint);
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
