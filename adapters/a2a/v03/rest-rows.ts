import { create } from "@bufbuild/protobuf";
import { type JsonObject, type JsonValue, present } from "../../../src/adapter-kit.ts";
import { AgentCardSchema, GetExtendedAgentCardRequestSchema } from "../../../src/gen/lf/a2a/v1/a2a_pb.js";
import type { RestOperation, RestRow } from "../http-json.ts";
import { bodyOf, configOf, idOf, numberOf, withoutVerb } from "../http-json-rows.ts";
import { isJsonObject, jsonFromMessage } from "../json.ts";
import type { createMethods, JsonStream, StreamMethod, UnaryMethod } from "../json-rpc-methods.ts";
import type { Operations } from "../operations.ts";
import { legacyCard } from "./card.ts";
import {
  oldProtoFromAnswer,
  oldProtoFromPush,
  oldProtoFromTask,
  pushFromOldProto,
  sendFromOldProto,
} from "./proto-words.ts";

type Methods = ReturnType<typeof createMethods>;

/** The paths of the HTTP+JSON binding of 0.3, behind /v1. */
export function oldRestRows(
  methods: Methods,
  { getExtendedAgentCard }: Pick<Operations, "getExtendedAgentCard">,
): readonly RestRow[] {
  const send = unary(methods.SendMessage, oldProtoFromAnswer);
  const stream = streamed(methods.SendStreamingMessage);
  const get = unary(methods.GetTask, oldProtoFromTask);
  const set = unary(methods.CreateTaskPushNotificationConfig, oldProtoFromPush);
  const getPush = unary(methods.GetTaskPushNotificationConfig, oldProtoFromPush);
  const list = unary(methods.ListTaskPushNotificationConfigs, ({ configs, nextPageToken }) => ({
    configs: listOf(configs).map(oldProtoFromPush),
    ...present({ nextPageToken }),
  }));
  const card: UnaryMethod = {
    kind: "unary",
    call: async (asked) =>
      cardAsOldProto(await getExtendedAgentCard(asked, create(GetExtendedAgentCardRequestSchema))),
  };
  const configs = "/tasks/:id/pushNotificationConfigs";
  return [
    row("POST", "/message:send", async (call) =>
      named("message/send", send, sendFromOldProto(await bodyOf(call))),
    ),
    row("POST", "/message:stream", async (call) =>
      named("message/stream", stream, sendFromOldProto(await bodyOf(call))),
    ),
    row("GET", "/tasks/:id", async (call) => {
      const followed = withoutVerb(idOf(call), "subscribe");
      if (followed !== undefined) return followOf(methods, followed);
      const query = new URLSearchParams(call.request.query);
      return named("tasks/get", get, { id: idOf(call), ...numberOf(query, "historyLength") });
    }),
    row("POST", "/tasks/:id", async (call) => {
      const followed = withoutVerb(idOf(call), "subscribe");
      if (followed !== undefined) return followOf(methods, followed);
      const id = withoutVerb(idOf(call), "cancel");
      if (id === undefined) return undefined;
      return named("tasks/cancel", unary(methods.CancelTask, oldProtoFromTask), { id });
    }),
    row("POST", configs, async (call) =>
      named("tasks/pushNotificationConfig/set", set, {
        ...pushFromOldProto(await bodyOf(call)),
        taskId: idOf(call),
      }),
    ),
    row("GET", configs, async (call) =>
      named("tasks/pushNotificationConfig/list", list, { taskId: idOf(call) }),
    ),
    row("GET", `${configs}/:config`, async (call) =>
      named("tasks/pushNotificationConfig/get", getPush, configOf(call)),
    ),
    {
      ...row("DELETE", `${configs}/:config`, async (call) =>
        named(
          "tasks/pushNotificationConfig/delete",
          methods.DeleteTaskPushNotificationConfig,
          configOf(call),
        ),
      ),
      isEmpty: true,
    },
    row("GET", "/card", async () => named("agent/getAuthenticatedExtendedCard", card, {})),
  ];
}

function row(method: RestRow["method"], path: string, read: RestRow["read"]): RestRow {
  return { method, path, read };
}

function named(name: string, method: UnaryMethod | StreamMethod, params: JsonObject): RestOperation {
  return { name, method, params };
}

function followOf(methods: Methods, id: string): RestOperation {
  return named("tasks/resubscribe", streamed(methods.SubscribeToTask), { id });
}

function unary(method: UnaryMethod, wordsOf: (result: JsonObject) => JsonObject): UnaryMethod {
  return {
    kind: "unary",
    async call(asked, params) {
      const result = await method.call(asked, params);
      return isJsonObject(result) ? wordsOf(result) : result;
    },
  };
}

function streamed(method: StreamMethod): StreamMethod {
  return { kind: "stream", open: async (asked, params) => inOldWords(await method.open(asked, params)) };
}

async function* inOldWords(items: JsonStream): JsonStream {
  for await (const { json, sequence } of items) {
    yield { json: isJsonObject(json) ? oldProtoFromAnswer(json) : json, sequence };
  }
}

/** As .proto has it, schemes of security look as in 1.0. */
function cardAsOldProto(card: Parameters<typeof legacyCard>[0]): JsonObject {
  const { securitySchemes, securityRequirements: security } = jsonFromMessage(AgentCardSchema, card);
  return { ...legacyCard(card), ...present({ securitySchemes, security }) };
}

function listOf(value: JsonValue | undefined): readonly JsonObject[] {
  return Array.isArray(value) ? value.filter(isJsonObject) : [];
}
