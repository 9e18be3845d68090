import { create } from "@bufbuild/protobuf";
import { type JsonObject, type JsonValue, present } from "../../../src/adapter-kit.ts";
import { GetExtendedAgentCardRequestSchema } from "../../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError } from "../a2a-error.ts";
import type { Asked } from "../asked.ts";
import { isJsonObject } from "../json.ts";
import type {
  createMethods,
  JsonMethod,
  JsonStream,
  StreamMethod,
  UnaryMethod,
} from "../json-rpc-methods.ts";
import type { Operations } from "../operations.ts";
import { legacyCard } from "./card.ts";
import {
  messageFromOld,
  oldFromArtifactUpdate,
  oldFromMessage,
  oldFromPush,
  oldFromStatusUpdate,
  oldFromTask,
  pushFromOld,
} from "./words.ts";

type Methods = ReturnType<typeof createMethods>;

/** The methods of 0.3: those of 1.0 in other words. */
export function createOldMethods(
  methods: Methods,
  { getExtendedAgentCard }: Pick<Operations, "getExtendedAgentCard">,
): Readonly<Record<string, JsonMethod>> {
  return {
    "message/send": unary(methods.SendMessage, sendParams, oldFromAnswer),
    "message/stream": stream(methods.SendStreamingMessage, sendParams),
    "tasks/get": unary(methods.GetTask, pick("id", "historyLength"), oldFromTask),
    "tasks/cancel": unary(methods.CancelTask, pick("id", "metadata"), oldFromTask),
    "tasks/resubscribe": stream(methods.SubscribeToTask, pick("id")),
    "tasks/pushNotificationConfig/set": unary(
      methods.CreateTaskPushNotificationConfig,
      setParams,
      oldFromPush,
    ),
    "tasks/pushNotificationConfig/get": {
      kind: "unary",
      call: (asked, params) => getPush(methods, asked, params),
    },
    "tasks/pushNotificationConfig/list": unary(
      methods.ListTaskPushNotificationConfigs,
      ({ id }) => present({ taskId: id }),
      ({ configs }) => listOf(configs).map(oldFromPush),
    ),
    "tasks/pushNotificationConfig/delete": unary(
      methods.DeleteTaskPushNotificationConfig,
      configParams,
      () => null,
    ),
    "agent/getAuthenticatedExtendedCard": {
      kind: "unary",
      call: async (asked) =>
        legacyCard(await getExtendedAgentCard(asked, create(GetExtendedAgentCardRequestSchema))),
    },
  };
}

type Translate = (params: JsonObject) => JsonObject;

function unary(
  method: UnaryMethod,
  paramsOf: Translate,
  resultOf: (result: JsonObject) => JsonValue,
): UnaryMethod {
  return {
    kind: "unary",
    async call(asked, params) {
      const result = await method.call(asked, paramsOf(objectOf(params)));
      return resultOf(objectOf(result));
    },
  };
}

function stream(method: StreamMethod, paramsOf: Translate): StreamMethod {
  return {
    kind: "stream",
    open: async (asked, params) => oldItems(await method.open(asked, paramsOf(objectOf(params)))),
  };
}

async function* oldItems(items: JsonStream): JsonStream {
  for await (const { json, sequence } of items) yield { json: oldFromAnswer(objectOf(json)), sequence };
}

/** One of the four things that a send, a stream or a notification gives. */
export function oldFromAnswer({ task, message, statusUpdate, artifactUpdate }: JsonObject): JsonObject {
  if (isJsonObject(task)) return oldFromTask(task);
  if (isJsonObject(message)) return oldFromMessage(message);
  if (isJsonObject(statusUpdate)) return oldFromStatusUpdate(statusUpdate);
  return oldFromArtifactUpdate(objectOf(artifactUpdate));
}

/** Without a word on it, 0.3 waits too. */
function sendParams({ message, configuration, metadata }: JsonObject): JsonObject {
  const old = isJsonObject(configuration) ? configuration : {};
  const { acceptedOutputModes, historyLength, blocking, pushNotificationConfig } = old;
  return present({
    message: messageFromOld(message),
    metadata,
    configuration: present({
      ...{ acceptedOutputModes, historyLength },
      returnImmediately: blocking === false,
      taskPushNotificationConfig: pushFromOld(pushNotificationConfig),
    }),
  });
}

function setParams({ taskId, pushNotificationConfig }: JsonObject): JsonObject {
  return present({ ...objectOf(pushFromOld(pushNotificationConfig)), taskId });
}

function configParams({ id, pushNotificationConfigId }: JsonObject): JsonObject {
  return present({ taskId: id, id: pushNotificationConfigId });
}

/** Clients that know of one config for each task do not name it. */
async function getPush(
  { GetTaskPushNotificationConfig: get, ListTaskPushNotificationConfigs: list }: Methods,
  asked: Asked,
  params: unknown,
): Promise<JsonValue> {
  const wanted = objectOf(params);
  if (wanted["pushNotificationConfigId"] !== undefined) {
    return oldFromPush(objectOf(await get.call(asked, configParams(wanted))));
  }
  const listed = await list.call(asked, { ...present({ taskId: wanted["id"] }), pageSize: 1 });
  const [first] = listOf(objectOf(listed)["configs"]);
  if (first === undefined) throw new A2aError("TASK_NOT_FOUND", "the task has no push notification config");
  return oldFromPush(first);
}

/** What is no object has none of the members that are asked for: the check of 1.0 says so. */
function objectOf(value: unknown): JsonObject {
  return isJsonObject(value) ? value : {};
}

function listOf(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}

function pick(...names: readonly string[]): Translate {
  return (params) =>
    Object.fromEntries(names.flatMap((name) => (params[name] === undefined ? [] : [[name, params[name]]])));
}
