import { fromBinary, fromJson, type JsonValue, toBinary, toJson } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import {
  BadRequestSchema,
  ErrorInfoSchema,
  RetryInfoSchema,
} from "../../../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../../src/gen/google/rpc/status_pb.js";
import { A2AService } from "../../../src/gen/lf/a2a/v1/a2a_pb.js";
import type { TestHub } from "../../support/hub.ts";
import { BINDINGS, type Binding } from "./stage.ts";

type Json = Record<string, unknown>;

/** An error as its binding tells it: the same members whichever that is. */
export interface ToldError {
  /** Of JSON-RPC its code, of HTTP+JSON the status, of gRPC the status code. */
  readonly code: number;
  readonly message: string;
  readonly reason: string;
  readonly domain: string;
  readonly metadata: Readonly<Record<string, string>>;
  /** Fields that are wrong. */
  readonly fields: readonly string[];
  /** Seconds to wait, as the details say; undefined = they do not. */
  readonly retryDelayS: number | undefined;
  /** Of the HTTP answer, or of gRPC's metadata. */
  readonly retryAfter: string | undefined;
  /** Of the HTTP answer; undefined on gRPC. */
  readonly httpStatus: number | undefined;
}

export interface Answer {
  /** Of a stream the first thing that it gives. */
  readonly result?: Json;
  readonly error?: ToldError;
}

export interface Call {
  readonly agent: string;
  /** undefined = a stranger. */
  readonly token: string | undefined;
}

export type Method = Capitalize<keyof typeof A2AService.method>;

/** Calls of 1.0 on one binding as nobody's SDK makes them: whatever is given goes out, and what comes back is shown. */
export interface Wire {
  readonly binding: Binding;
  call(method: Method, params: object, call: Call): Promise<Answer>;
}

/** The same calls on every binding. */
export function wiresTo(hub: () => TestHub): readonly Wire[] {
  const senders: Readonly<Record<Binding, Sender>> = {
    JSONRPC: sendJsonRpc,
    "HTTP+JSON": sendRest,
    GRPC: sendGrpc,
  };
  return BINDINGS.map((binding) => ({
    binding,
    call: (method, params, call) => senders[binding](hub(), { method, params: { ...params }, ...call }),
  }));
}

/** @throws with what came instead */
export function errorOf({ result, error }: Answer): ToldError {
  if (error !== undefined) return error;
  throw new Error(`it was taken: ${JSON.stringify(result)}`);
}

/** @throws with the error */
export function resultOf({ result, error }: Answer): Json {
  if (result !== undefined) return result;
  throw new Error(`it was refused: ${JSON.stringify(error)}`);
}

interface Sent extends Call {
  readonly method: Method;
  readonly params: Json;
}

type Sender = (hub: TestHub, sent: Sent) => Promise<Answer>;

async function sendJsonRpc(hub: TestHub, { agent, token, method, params }: Sent): Promise<Answer> {
  const body = JSON.stringify({ jsonrpc: "2.0", id: 1, method, params });
  const { status, headers, json } = await fetchJson(`${hub.http}/a2a/${agent}`, {
    method: "POST",
    token,
    body,
  });
  const { result, error }: Json = json;
  if (error === undefined) return { result: Object(result) };
  return { error: toldOf({ ...Object(error), details: Object(error).data }, { status, headers }) };
}

/** Path and body of each operation. What is not in the path is the body of a POST, or the query. */
const PATHS: Readonly<Record<Method, readonly [string, string]>> = {
  SendMessage: ["POST", "/message:send"],
  SendStreamingMessage: ["POST", "/message:stream"],
  GetTask: ["GET", "/tasks/{id}"],
  ListTasks: ["GET", "/tasks"],
  CancelTask: ["POST", "/tasks/{id}:cancel"],
  SubscribeToTask: ["GET", "/tasks/{id}:subscribe"],
  CreateTaskPushNotificationConfig: ["POST", "/tasks/{taskId}/pushNotificationConfigs"],
  GetTaskPushNotificationConfig: ["GET", "/tasks/{taskId}/pushNotificationConfigs/{id}"],
  ListTaskPushNotificationConfigs: ["GET", "/tasks/{taskId}/pushNotificationConfigs"],
  DeleteTaskPushNotificationConfig: ["DELETE", "/tasks/{taskId}/pushNotificationConfigs/{id}"],
  GetExtendedAgentCard: ["GET", "/extendedAgentCard"],
};

async function sendRest(hub: TestHub, { agent, token, method, params }: Sent): Promise<Answer> {
  const [verb, template] = PATHS[method];
  const rest = { ...params };
  const path = template.replace(/\{(\w+)\}/g, (_all, name: string) => {
    const value = String(rest[name] ?? "");
    delete rest[name];
    return encodeURIComponent(value);
  });
  const query = new URLSearchParams(
    Object.entries(rest).map(([name, value]): [string, string] => [name, String(value)]),
  );
  const isPost = verb === "POST";
  const url = `${hub.http}/a2a/${agent}${path}${isPost || query.size === 0 ? "" : `?${query}`}`;
  const answer = await fetchJson(url, {
    ...{ method: verb, token },
    ...(isPost && { body: JSON.stringify(rest) }),
  });
  if (answer.status < 300) return { result: answer.json };
  return { error: toldOf(Object(answer.json["error"]), answer) };
}

interface HttpAnswer {
  readonly status: number;
  readonly headers: Headers;
  readonly json: Json;
}

/** Of a stream of events the first one's data. */
async function fetchJson(
  url: string,
  {
    method,
    token,
    body,
  }: { readonly method: string; readonly token: string | undefined; readonly body?: string },
): Promise<HttpAnswer> {
  const abort = new AbortController();
  const headers = {
    "a2a-version": "1.0",
    ...(token !== undefined && { authorization: `Bearer ${token}` }),
    ...(body !== undefined && { "content-type": "application/json" }),
  };
  const response = await fetch(url, {
    ...{ method, headers, signal: abort.signal },
    ...(body !== undefined && { body }),
  });
  const isStream = (response.headers.get("content-type") ?? "").startsWith("text/event-stream");
  const text = isStream ? await firstEvent(response) : await response.text();
  abort.abort();
  const { status } = response;
  return { status, headers: response.headers, json: text === "" ? {} : JSON.parse(text) };
}

async function firstEvent(response: Response): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true });
    const data = /^data: (.*)$/m.exec(text)?.[1];
    if (data !== undefined && text.includes("\n\n")) return data;
  }
  throw new Error(`the stream ended with no event: ${text}`);
}

function toldOf(
  { code, message, details }: Json,
  { status, headers }: { readonly status: number; readonly headers: Headers },
): ToldError {
  const all = (Array.isArray(details) ? details : []) as Json[];
  const detail = (name: string): Json =>
    all.find((one) => one["@type"] === `type.googleapis.com/google.rpc.${name}`) ?? {};
  const { reason, domain, metadata } = detail("ErrorInfo");
  const violations = (detail("BadRequest")["fieldViolations"] ?? []) as Json[];
  const delay = /^(\d+)s$/.exec(String(detail("RetryInfo")["retryDelay"] ?? ""))?.[1];
  return {
    ...{ code: Number(code), message: String(message), reason: String(reason), domain: String(domain) },
    metadata: Object(metadata),
    fields: violations.map(({ field }) => String(field)),
    retryDelayS: delay === undefined ? undefined : Number(delay),
    retryAfter: headers.get("retry-after") ?? undefined,
    httpStatus: status,
  };
}

async function sendGrpc(hub: TestHub, { agent, token, method, params }: Sent): Promise<Answer> {
  const name = `${method.charAt(0).toLowerCase()}${method.slice(1)}` as keyof typeof A2AService.method;
  const { input, output } = A2AService.method[name];
  const client = new Client(hub.grpc ?? "", credentials.createInsecure());
  const metadata = new Metadata();
  if (token !== undefined) metadata.set("authorization", `Bearer ${token}`);
  const request = toBinary(input, fromJson(input, { tenant: agent, ...params } as JsonValue));
  const same = (bytes: Uint8Array) => Buffer.from(bytes);
  try {
    const bytes = await new Promise<Uint8Array>((resolve, reject) => {
      // A call that answers once is a stream of one.
      const call = client.makeServerStreamRequest(
        `/lf.a2a.v1.A2AService/${method}`,
        same,
        same,
        request,
        metadata,
      );
      call.once("data", (data: Uint8Array) => {
        resolve(data);
        call.cancel();
      });
      call.once("error", reject);
    });
    return { result: Object(toJson(output, fromBinary(output, bytes), { alwaysEmitImplicit: true })) };
  } catch (thrown) {
    return { error: toldByGrpc(thrown as ServiceError) };
  } finally {
    client.close();
  }
}

function toldByGrpc({ code, details: message, metadata }: ServiceError): ToldError {
  const [bytes] = metadata.get("grpc-status-details-bin");
  // What the library refuses before the hub sees it has none.
  const details = bytes instanceof Buffer ? fromBinary(StatusSchema, bytes).details : [];
  const info = details.map((one) => anyUnpack(one, ErrorInfoSchema)).find((one) => one !== undefined);
  const bad = details.map((one) => anyUnpack(one, BadRequestSchema)).find((one) => one !== undefined);
  const retry = details.map((one) => anyUnpack(one, RetryInfoSchema)).find((one) => one !== undefined);
  const [retryAfter] = metadata.get("retry-after");
  return {
    ...{ code, message, reason: info?.reason ?? "", domain: info?.domain ?? "" },
    metadata: info?.metadata ?? {},
    fields: (bad?.fieldViolations ?? []).map(({ field }) => field),
    retryDelayS: retry?.retryDelay === undefined ? undefined : Number(retry.retryDelay.seconds),
    retryAfter: retryAfter === undefined ? undefined : String(retryAfter),
    httpStatus: undefined,
  };
}
