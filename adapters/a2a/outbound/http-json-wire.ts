import {
  failureFromStatus,
  type JsonObject,
  type JsonValue,
  type OutboundHead,
  type OutboundHttp,
  present,
} from "../../../src/adapter-kit.ts";
import { isJsonObject } from "../json.ts";
import { answerFromOldProto, oldProtoFromMessage, taskFromOldProto } from "../v03/proto-words.ts";
import { callForJson, callForStream, type HttpCall } from "./http-calls.ts";
import type { RemoteInterface } from "./remote-card.ts";
import {
  RemoteRefusal,
  TASK_NOT_CANCELABLE,
  TASK_NOT_FOUND,
  UNSUPPORTED_OPERATION,
  type Wire,
} from "./wire.ts";

/** Of `google.rpc.ErrorInfo`, as far as the hub decides by it. */
const CODES: Readonly<Record<string, number>> = {
  TASK_NOT_FOUND,
  TASK_NOT_CANCELABLE,
  UNSUPPORTED_OPERATION,
};
const INVALID_PARAMS = -32602;

/** What differs between the versions: paths, the media type, and JSON to and from that of 1.0. */
interface Words {
  readonly version: string;
  readonly prefix: string;
  readonly mediaType: string;
  readonly followBy: "GET" | "POST";
  request(request: JsonObject): JsonObject;
  response(answer: JsonObject): JsonObject;
  task(answer: JsonObject): JsonObject;
  /** What a body says that tells an error; undefined = it tells none. */
  errorOf(body: JsonObject): JsonValue | undefined;
}

const CURRENT: Words = {
  version: "1.0",
  prefix: "",
  mediaType: "application/a2a+json",
  followBy: "GET",
  request: (request) => request,
  response: (answer) => answer,
  task: (answer) => answer,
  errorOf: ({ error }) => error,
};

const OLD: Words = {
  version: "0.3",
  prefix: "/v1",
  mediaType: "application/json",
  followBy: "POST",
  request({ message, configuration, metadata }) {
    const { acceptedOutputModes } = isJsonObject(configuration) ? configuration : {};
    return present({
      message: isJsonObject(message) ? oldProtoFromMessage(message) : undefined,
      // A configuration that does not say whether it waits does not.
      configuration: present({ acceptedOutputModes, blocking: false }),
      metadata,
    });
  },
  response: answerFromOldProto,
  task: taskFromOldProto,
  // Some wrap it, as 1.0 does; the official servers do not.
  errorOf: (body) => body["error"] ?? (typeof body["code"] === "number" ? body : undefined),
};

/** HTTP+JSON of both versions. */
export function createHttpJsonWire({ url, tenant, version }: RemoteInterface, http: OutboundHttp): Wire {
  const words = version === "0.3" ? OLD : CURRENT;
  const base = `${url.replace(/\/+$/, "")}${tenant === "" ? "" : `/${encodeURIComponent(tenant)}`}${words.prefix}`;
  const at = (taskId: string, verb = ""): string => `/tasks/${encodeURIComponent(taskId)}${verb}`;
  const accept = [...new Set([words.mediaType, "application/json"])].join(", ");

  function callOf(path: string, body: JsonObject | undefined, signal: AbortSignal): HttpCall {
    const headers = { accept, "a2a-version": words.version };
    if (body === undefined) return { method: "GET", url: `${base}${path}`, headers, signal };
    return {
      ...{ method: "POST", url: `${base}${path}`, signal, body: JSON.stringify(body) },
      headers: { ...headers, "content-type": words.mediaType },
    };
  }

  async function unary(call: HttpCall): Promise<JsonObject> {
    const { head, json } = await callForJson(http, call);
    return checked(words, head, json);
  }

  async function* stream(call: HttpCall): AsyncGenerator<JsonObject, void> {
    for await (const { head, json } of callForStream(http, call)) {
      yield words.response(checked(words, head, json));
    }
  }

  return {
    send: async (request, signal) =>
      words.response(await unary(callOf("/message:send", words.request(request), signal))),
    sendStreaming: (request, signal) => stream(callOf("/message:stream", words.request(request), signal)),
    get: async (id, signal) => words.task(await unary(callOf(at(id), undefined, signal))),
    cancel: async (id, signal) => words.task(await unary(callOf(at(id, ":cancel"), {}, signal))),
    subscribe: (id, signal) =>
      stream(callOf(at(id, ":subscribe"), words.followBy === "GET" ? undefined : {}, signal)),
  };
}

/** An error comes with its status, and on a stream that runs already as an event. */
function checked({ errorOf }: Words, head: OutboundHead, json: JsonObject): JsonObject {
  const error = errorOf(json);
  if (head.status >= 200 && head.status < 300 && !isJsonObject(error)) return json;
  // Busy or broken: what it says about it makes no difference.
  if (head.status >= 500 || head.status === 429 || !isJsonObject(error))
    throw failureFromStatus(head, Date.now());
  const message = String(error["message"] ?? `it answered ${head.status}`).slice(0, 500);
  throw new RemoteRefusal(codeOf(error), message);
}

/** 0.3 has the numbers of JSON-RPC, 1.0 words beside the number of HTTP. */
function codeOf({ details, code }: JsonObject): number {
  const infos = Array.isArray(details) ? details.filter(isJsonObject) : [];
  const reasons = infos.map(({ reason }) => CODES[String(reason)]);
  const told = reasons.find((one) => one !== undefined);
  return told ?? (typeof code === "number" && code < 0 ? code : INVALID_PARAMS);
}
