import type { HttpRequest, JsonObject, JsonValue } from "../../src/adapter-kit.ts";
import { TaskState } from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { invalidParams } from "./a2a-error.ts";
import type { RestCall, RestOperation, RestRow } from "./http-json.ts";
import { isJsonObject, jsonFromBytes } from "./json.ts";
import type { createMethods } from "./json-rpc-methods.ts";

type Methods = ReturnType<typeof createMethods>;

/** The paths of the HTTP+JSON binding. Each gives its operation the parameters that JSON-RPC would give it. */
export function httpJsonRows(methods: Methods): readonly RestRow[] {
  const named = (name: keyof Methods, params: JsonObject): RestOperation => ({
    ...{ name, params },
    method: methods[name],
  });
  return [
    { method: "POST", path: "/message:send", read: async (call) => named("SendMessage", await bodyOf(call)) },
    {
      method: "POST",
      path: "/message:stream",
      read: async (call) => named("SendStreamingMessage", await bodyOf(call)),
    },
    { method: "GET", path: "/tasks", read: async ({ request }) => named("ListTasks", listQuery(request)) },
    { method: "GET", path: "/tasks/:id", read: async (call) => taskByGet(named, call) },
    { method: "POST", path: "/tasks/:id", read: (call) => taskByPost(named, call) },
    {
      method: "POST",
      path: "/tasks/:id/pushNotificationConfigs",
      read: async (call) => named("CreateTaskPushNotificationConfig", withTask(await bodyOf(call), call)),
    },
    {
      method: "GET",
      path: "/tasks/:id/pushNotificationConfigs",
      read: async (call) =>
        named("ListTaskPushNotificationConfigs", { taskId: idOf(call), ...pageQuery(call.request) }),
    },
    {
      method: "GET",
      path: "/tasks/:id/pushNotificationConfigs/:config",
      read: async (call) => named("GetTaskPushNotificationConfig", configOf(call)),
    },
    {
      method: "DELETE",
      path: "/tasks/:id/pushNotificationConfigs/:config",
      isEmpty: true,
      read: async (call) => named("DeleteTaskPushNotificationConfig", configOf(call)),
    },
    { method: "GET", path: "/extendedAgentCard", read: async () => named("GetExtendedAgentCard", {}) },
  ];
}

type Named = (name: keyof Methods, params: JsonObject) => RestOperation;

function taskByGet(named: Named, call: RestCall): RestOperation {
  const id = idOf(call);
  const subscribed = withoutVerb(id, "subscribe");
  if (subscribed !== undefined) return named("SubscribeToTask", { id: subscribed });
  const query = new URLSearchParams(call.request.query);
  return named("GetTask", { id, ...numberOf(query, "historyLength") });
}

async function taskByPost(named: Named, call: RestCall): Promise<RestOperation | undefined> {
  const id = idOf(call);
  const subscribed = withoutVerb(id, "subscribe");
  if (subscribed !== undefined) return named("SubscribeToTask", { id: subscribed });
  const canceled = withoutVerb(id, "cancel");
  if (canceled === undefined) return undefined;
  const { metadata } = await bodyOf(call, true);
  return named("CancelTask", { id: canceled, ...(metadata !== undefined && { metadata }) });
}

export function withoutVerb(id: string, verb: string): string | undefined {
  return id.endsWith(`:${verb}`) ? id.slice(0, -verb.length - 1) : undefined;
}

export function idOf({ params }: RestCall): string {
  return params["id"] ?? "";
}

export function configOf(call: RestCall): JsonObject {
  return { taskId: idOf(call), id: call.params["config"] ?? "" };
}

/** The task of the path; a body that names another one contradicts it. */
function withTask(body: JsonObject, call: RestCall): JsonObject {
  const taskId = idOf(call);
  const given = body["taskId"] ?? body["task_id"] ?? taskId;
  if (given !== taskId && given !== "") {
    throw invalidParams({ field: "taskId", description: "is not the task of the path" });
  }
  return { ...body, taskId };
}

export async function bodyOf({ request }: RestCall, mayBeEmpty = false): Promise<JsonObject> {
  const bytes = await request.body();
  if (bytes.length === 0 && mayBeEmpty) return {};
  const value = jsonFromBytes(bytes);
  if (!isJsonObject(value)) throw invalidParams({ field: "", description: "a JSON object is expected" });
  return value;
}

function listQuery(request: HttpRequest): JsonObject {
  const query = new URLSearchParams(request.query);
  return {
    ...pageQuery(request),
    ...textOf(query, "contextId"),
    ...stateOf(query),
    ...numberOf(query, "historyLength"),
    ...textOf(query, "statusTimestampAfter"),
    ...flagOf(query, "includeArtifacts"),
  };
}

function pageQuery(request: HttpRequest): JsonObject {
  const query = new URLSearchParams(request.query);
  return { ...numberOf(query, "pageSize"), ...textOf(query, "pageToken") };
}

function textOf(query: URLSearchParams, name: string): JsonObject {
  return member(query, name, (text) => text);
}

export function numberOf(query: URLSearchParams, name: string): JsonObject {
  return member(query, name, (text) => {
    if (/^-?\d{1,9}$/.test(text)) return Number(text);
    throw invalidParams({ field: name, description: "must be a whole number" });
  });
}

function flagOf(query: URLSearchParams, name: string): JsonObject {
  return member(query, name, (text) => {
    if (text === "true" || text === "false") return text === "true";
    throw invalidParams({ field: name, description: "must be true or false" });
  });
}

function stateOf(query: URLSearchParams): JsonObject {
  return member(query, "status", (text) => {
    if (Object.hasOwn(TaskState, text.replace(/^TASK_STATE_/, "")) && text.startsWith("TASK_STATE_"))
      return text;
    throw invalidParams({ field: "status", description: "must be the name of a state: TASK_STATE_WORKING" });
  });
}

/** An empty parameter is as none. */
function member(query: URLSearchParams, name: string, read: (text: string) => JsonValue): JsonObject {
  const text = query.get(name);
  return text === null || text === "" ? {} : { [name]: read(text) };
}
