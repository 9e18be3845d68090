import {
  EVENT_STREAM_HEADERS,
  type HttpRequest,
  type HttpResponse,
  type JsonValue,
  type Logger,
  type RegistryApi,
  type Route,
} from "../../src/adapter-kit.ts";
import { A2aError } from "./a2a-error.ts";
import { HUB } from "./asked.ts";
import { a2aErrorFromThrown, headersFromError, jsonRpcErrorFrom, jsonRpcStatusFrom } from "./errors.ts";
import { bytesFromEvents, type StreamEvent } from "./event-stream.ts";
import { activatedExtensions, extensionHeaders } from "./extensions.ts";
import { askedFrom } from "./incoming.ts";
import { isJsonObject, jsonFromBytes } from "./json.ts";
import type { JsonMethod, JsonStream } from "./json-rpc-methods.ts";
import { type ProtocolVersion, versionFrom } from "./versions.ts";

export type MethodTable = Readonly<Record<string, JsonMethod>>;

export interface JsonRpcDeps {
  readonly methods: Readonly<Record<ProtocolVersion, MethodTable>>;
  readonly registry: Pick<RegistryApi, "authenticate">;
  readonly logger: Logger;
  readonly heartbeatMs: number;
}

type RpcId = string | number | null;

/** The JSON-RPC binding, of 1.0 and 0.3 alike: at the hub's base and at each agent's. */
export function jsonRpcRoutes(deps: JsonRpcDeps): readonly Route[] {
  return [
    { method: "POST", path: "/a2a", handle: (request) => answer(deps, request, HUB) },
    {
      method: "POST",
      path: "/a2a/:agent",
      handle: (request, { agent = HUB }) => answer(deps, request, agent),
    },
  ];
}

async function answer(deps: JsonRpcDeps, request: HttpRequest, base: string): Promise<HttpResponse> {
  let id: RpcId = null;
  let name = "";
  try {
    const envelope = jsonFromBytes(await request.body());
    id = idOf(envelope);
    const { method: asked, params } = checkedEnvelope(envelope);
    name = asked;
    const version = versionFrom(request.headers, request.query);
    const method = methodOf(deps, version, name);
    const call = await askedFrom(request, { base, version }, deps.registry);
    if (method.kind === "unary") return resultAnswer(request, id, await method.call(call, params));
    return streamAnswer(deps, request, { id, name, items: await method.open(call, params) });
  } catch (thrown) {
    return errorAnswer(a2aErrorFromThrown(thrown, name, deps.logger), id);
  }
}

function idOf(envelope: unknown): RpcId {
  if (!isJsonObject(envelope)) return null;
  const { id } = envelope;
  return typeof id === "string" || (typeof id === "number" && Number.isSafeInteger(id)) ? id : null;
}

interface Envelope {
  readonly method: string;
  readonly params: unknown;
}

function checkedEnvelope(envelope: unknown): Envelope {
  if (!isJsonObject(envelope))
    throw invalidRequest("a JSON-RPC request is one JSON object; batches are not served");
  const { jsonrpc, id = null, method, params } = envelope;
  if (jsonrpc !== "2.0") throw invalidRequest('jsonrpc must be "2.0"');
  if (idOf(envelope) !== id) throw invalidRequest("id must be a string, a whole number or null");
  if (typeof method !== "string" || method === "") throw invalidRequest("method must be a string");
  if (params !== undefined && !isJsonObject(params)) {
    throw new A2aError("INVALID_PARAMS", "params must be a JSON object");
  }
  return { method, params };
}

function invalidRequest(message: string): A2aError {
  return new A2aError("INVALID_REQUEST", message);
}

function methodOf({ methods }: JsonRpcDeps, version: ProtocolVersion, name: string): JsonMethod {
  const method = ownMember(methods[version], name);
  if (method !== undefined) return method;
  const other = version === "1.0" ? "0.3" : "1.0";
  const isOther = ownMember(methods[other], name) !== undefined;
  const message = `there is no method ${JSON.stringify(name.slice(0, 60))} in version ${version}`;
  const hint = `the method is of version ${other}: send the header 'A2A-Version: ${other}'; without it a call is of 0.3`;
  throw new A2aError("METHOD_NOT_FOUND", message, isOther ? { metadata: { hint } } : {});
}

function ownMember(table: MethodTable, name: string): JsonMethod | undefined {
  return Object.hasOwn(table, name) ? table[name] : undefined;
}

function resultAnswer(request: HttpRequest, id: RpcId, result: JsonValue): HttpResponse {
  return {
    status: 200,
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...extensionHeaders(request.headers, activatedExtensions(request.headers)),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id, result }),
  };
}

interface OpenStream {
  readonly id: RpcId;
  readonly name: string;
  readonly items: JsonStream;
}

function streamAnswer(
  { logger, heartbeatMs }: JsonRpcDeps,
  request: HttpRequest,
  { id, name, items }: OpenStream,
): HttpResponse {
  const errorEvent = (thrown: unknown): StreamEvent => {
    const error = jsonRpcErrorFrom(a2aErrorFromThrown(thrown, name, logger));
    return { data: JSON.stringify({ jsonrpc: "2.0", id, error }) };
  };
  return {
    status: 200,
    headers: {
      ...EVENT_STREAM_HEADERS,
      ...extensionHeaders(request.headers, activatedExtensions(request.headers)),
    },
    body: bytesFromEvents(responses(id, items), { heartbeatMs, errorEvent }),
  };
}

async function* responses(id: RpcId, items: JsonStream): AsyncGenerator<StreamEvent, void, undefined> {
  for await (const { json, sequence } of items) {
    yield { data: JSON.stringify({ jsonrpc: "2.0", id, result: json }), sequence };
  }
}

function errorAnswer(error: A2aError, id: RpcId): HttpResponse {
  return {
    status: jsonRpcStatusFrom(error),
    headers: {
      "content-type": "application/json",
      "cache-control": "no-store",
      ...headersFromError(error),
    },
    body: JSON.stringify({ jsonrpc: "2.0", id, error: jsonRpcErrorFrom(error) }),
  };
}
