import {
  failureFromStatus,
  type JsonObject,
  type OutboundHead,
  type OutboundHttp,
} from "../../../src/adapter-kit.ts";
import { isJsonObject } from "../json.ts";
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

/** HTTP+JSON of 1.0. */
export function createHttpJsonWire({ url, tenant }: RemoteInterface, http: OutboundHttp): Wire {
  const base = `${url.replace(/\/+$/, "")}${tenant === "" ? "" : `/${encodeURIComponent(tenant)}`}`;
  const at = (taskId: string, verb = ""): string => `/tasks/${encodeURIComponent(taskId)}${verb}`;

  function callOf(path: string, body: JsonObject | undefined, signal: AbortSignal): HttpCall {
    const headers = { accept: "application/a2a+json, application/json", "a2a-version": "1.0" };
    if (body === undefined) return { method: "GET", url: `${base}${path}`, headers, signal };
    return {
      ...{ method: "POST", url: `${base}${path}`, signal, body: JSON.stringify(body) },
      headers: { ...headers, "content-type": "application/a2a+json" },
    };
  }

  async function unary(call: HttpCall): Promise<JsonObject> {
    const { head, json } = await callForJson(http, call);
    return checked(head, json);
  }

  async function* stream(call: HttpCall): AsyncGenerator<JsonObject, void> {
    for await (const { head, json } of callForStream(http, call)) yield checked(head, json);
  }

  return {
    send: (request, signal) => unary(callOf("/message:send", request, signal)),
    sendStreaming: (request, signal) => stream(callOf("/message:stream", request, signal)),
    get: (id, signal) => unary(callOf(at(id), undefined, signal)),
    cancel: (id, signal) => unary(callOf(at(id, ":cancel"), {}, signal)),
    subscribe: (id, signal) => stream(callOf(at(id, ":subscribe"), undefined, signal)),
  };
}

/** An error comes with its status, and on a stream that runs already as an event. */
function checked(head: OutboundHead, json: JsonObject): JsonObject {
  const { error } = json;
  if (head.status >= 200 && head.status < 300 && !isJsonObject(error)) return json;
  // Busy or broken: what it says about it makes no difference.
  if (head.status >= 500 || head.status === 429 || !isJsonObject(error))
    throw failureFromStatus(head, Date.now());
  const message = String(error["message"] ?? `it answered ${head.status}`).slice(0, 500);
  throw new RemoteRefusal(codeOf(error), message);
}

function codeOf({ details }: JsonObject): number {
  const infos = Array.isArray(details) ? details.filter(isJsonObject) : [];
  const reasons = infos.map(({ reason }) => CODES[String(reason)]);
  return reasons.find((code) => code !== undefined) ?? INVALID_PARAMS;
}
