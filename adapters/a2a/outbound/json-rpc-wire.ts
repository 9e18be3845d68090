import { randomUUID } from "node:crypto";
import {
  DeliveryFailure,
  failureFromStatus,
  type JsonObject,
  type OutboundHead,
  type OutboundHttp,
  present,
} from "../../../src/adapter-kit.ts";
import { isJsonObject } from "../json.ts";
import { responseFromOld, taskFromOld } from "../v03/from-old.ts";
import { oldFromMessage } from "../v03/words.ts";
import { callForJson, callForStream, type HttpCall } from "./http-calls.ts";
import type { RemoteInterface } from "./remote-card.ts";
import { RemoteRefusal, type Wire } from "./wire.ts";

/** The words of one version: names of methods, and JSON to and from those of 1.0. */
interface Words {
  readonly version: string;
  readonly send: string;
  readonly sendStreaming: string;
  readonly get: string;
  readonly cancel: string;
  readonly subscribe: string;
  request(request: JsonObject, isStreaming: boolean): JsonObject;
  response(result: JsonObject): JsonObject;
  task(result: JsonObject): JsonObject;
}

const CURRENT: Words = {
  version: "1.0",
  send: "SendMessage",
  sendStreaming: "SendStreamingMessage",
  get: "GetTask",
  cancel: "CancelTask",
  subscribe: "SubscribeToTask",
  request: (request) => request,
  response: (result) => result,
  task: (result) => result,
};

const OLD: Words = {
  version: "0.3",
  send: "message/send",
  sendStreaming: "message/stream",
  get: "tasks/get",
  cancel: "tasks/cancel",
  subscribe: "tasks/resubscribe",
  request({ message, configuration, metadata }, isStreaming) {
    const { acceptedOutputModes } = isJsonObject(configuration) ? configuration : {};
    return present({
      message: isJsonObject(message) ? oldFromMessage(message) : undefined,
      configuration: present({ acceptedOutputModes, blocking: isStreaming ? undefined : false }),
      metadata,
    });
  },
  response: responseFromOld,
  task: taskFromOld,
};

/** JSON-RPC 2.0 of both versions. */
export function createJsonRpcWire({ url, version, tenant }: RemoteInterface, http: OutboundHttp): Wire {
  const words = version === "0.3" ? OLD : CURRENT;
  const named = (params: JsonObject): JsonObject => (tenant === "" ? params : { tenant, ...params });

  function callOf(method: string, params: JsonObject, signal: AbortSignal): HttpCall {
    const body = JSON.stringify({ jsonrpc: "2.0", id: randomUUID(), method, params: named(params) });
    const headers = {
      "content-type": "application/json",
      accept: "application/json",
      "a2a-version": words.version,
    };
    return { method: "POST", url, headers, body, signal };
  }

  async function unary(method: string, params: JsonObject, signal: AbortSignal): Promise<JsonObject> {
    const { head, json } = await callForJson(http, callOf(method, params, signal));
    return resultOf(head, json);
  }

  async function* stream(method: string, params: JsonObject, signal: AbortSignal) {
    for await (const { head, json } of callForStream(http, callOf(method, params, signal))) {
      yield words.response(resultOf(head, json));
    }
  }

  return {
    send: async (request, signal) =>
      words.response(await unary(words.send, words.request(request, false), signal)),
    sendStreaming: (request, signal) => stream(words.sendStreaming, words.request(request, true), signal),
    get: async (id, signal) => words.task(await unary(words.get, { id }, signal)),
    cancel: async (id, signal) => words.task(await unary(words.cancel, { id }, signal)),
    subscribe: (id, signal) => stream(words.subscribe, { id }, signal),
  };
}

function resultOf(head: OutboundHead, { result, error }: JsonObject): JsonObject {
  if (isJsonObject(error)) {
    const { code, message } = error;
    throw new RemoteRefusal(
      typeof code === "number" ? code : 0,
      String(message ?? "it does not say why").slice(0, 500),
    );
  }
  if (isJsonObject(result)) return result;
  if (head.status !== 200) throw failureFromStatus(head, Date.now());
  throw new DeliveryFailure("it does not speak JSON-RPC", { isAnswer: true });
}
