import {
  EVENT_STREAM_HEADERS,
  type HttpRequest,
  type HttpResponse,
  type JsonObject,
  type JsonValue,
  type Logger,
  type RegistryApi,
  type Route,
} from "../../src/adapter-kit.ts";
import { A2aError } from "./a2a-error.ts";
import { type Asked, agentOf } from "./asked.ts";
import {
  a2aErrorFromThrown,
  headersFromError,
  httpErrorBody,
  httpStatusFrom,
  jsonRpcErrorFrom,
} from "./errors.ts";
import { bytesFromEvents, type StreamEvent } from "./event-stream.ts";
import { extensionHeaders } from "./extensions.ts";
import { askedFrom } from "./incoming.ts";
import type { JsonMethod, JsonStream } from "./json-rpc-methods.ts";
import { type ProtocolVersion, versionFrom } from "./versions.ts";

export interface HttpJsonDeps {
  readonly dialect: RestDialect;
  readonly rows: readonly RestRow[];
  readonly registry: Pick<RegistryApi, "authenticate">;
  readonly logger: Logger;
  readonly heartbeatMs: number;
}

/** A call of this binding, before it is known who calls. */
export interface RestCall {
  readonly request: HttpRequest;
  /** Of the path, percent-decoded. */
  readonly params: Readonly<Record<string, string>>;
}

/** One path of the binding, behind an agent's base. */
export interface RestRow {
  readonly method: Route["method"];
  readonly path: string;
  /** Which operation is meant, and with what; undefined = the path is nobody's. */
  read(call: RestCall): Promise<RestOperation | undefined>;
  /** Answers without a body, rather than with an empty object. */
  readonly isEmpty?: boolean;
}

export interface RestOperation {
  readonly name: string;
  readonly method: JsonMethod;
  /** As JSON-RPC would have them. */
  readonly params: JsonObject;
}

/** Where the binding of a version is found, and how it tells errors. */
export interface RestDialect {
  readonly version: ProtocolVersion;
  readonly bases: readonly string[];
  errorBody(error: A2aError): JsonObject;
}

/** Behind each agent's base, and once more with the tenant in front of the path. */
export const REST_1_0: RestDialect = {
  version: "1.0",
  bases: ["/a2a/:agent", "/a2a/:agent/:tenant"],
  errorBody: httpErrorBody,
};

export const REST_0_3: RestDialect = {
  version: "0.3",
  bases: ["/a2a/:agent/v1"],
  errorBody: jsonRpcErrorFrom,
};

/** The HTTP+JSON binding of one version. */
export function httpJsonRoutes(deps: HttpJsonDeps): readonly Route[] {
  return deps.dialect.bases.flatMap((base) =>
    deps.rows.map((row): Route => {
      const { method, path } = row;
      return {
        method,
        path: `${base}${path}`,
        handle: (request, params) => answer(deps, row, { request, params }),
      };
    }),
  );
}

async function answer(deps: HttpJsonDeps, row: RestRow, call: RestCall): Promise<HttpResponse> {
  const { request, params } = call;
  const { agent = "", tenant = "" } = params;
  let name = `${row.method} ${row.path}`;
  try {
    const { version } = deps.dialect;
    requireVersion(request, version);
    const asked = await askedFrom(request, { base: agent, version }, deps.registry);
    // Of the two ways to name an agent, the path's goes before the body's.
    const base = { ...asked, base: agentOf(asked, tenant) };
    const operation = await row.read(call);
    if (operation === undefined) throw new A2aError("METHOD_NOT_FOUND", "there is no such path");
    name = operation.name;
    return await carryOut(deps, row, { request, asked: base, operation });
  } catch (thrown) {
    return errorAnswer(deps, request, a2aErrorFromThrown(thrown, name, deps.logger));
  }
}

const VERSION_HINT =
  "send the header 'A2A-Version: 1.0'; a call without it is of 0.3, whose paths have /v1 behind the agent";

/** A call without a version is of 0.3. */
function requireVersion({ headers, query }: HttpRequest, version: ProtocolVersion): void {
  const given = versionFrom(headers, query);
  if (given === version) return;
  const message = `this path is of version ${version}, the call is of version ${given}`;
  throw new A2aError("VERSION_NOT_SUPPORTED", message, {
    metadata: { supportedVersions: version, hint: VERSION_HINT },
  });
}

interface Carried {
  readonly request: HttpRequest;
  readonly asked: Asked;
  readonly operation: RestOperation;
}

async function carryOut(
  deps: HttpJsonDeps,
  row: RestRow,
  { request, asked, operation }: Carried,
): Promise<HttpResponse> {
  const { name, method, params } = operation;
  // Nobody would ever read from, and so end, what was opened for a HEAD.
  if (method.kind === "stream" && request.method === "HEAD") {
    return { status: 200, headers: EVENT_STREAM_HEADERS, body: "" };
  }
  if (method.kind === "stream") {
    const items = await method.open(asked, params);
    return streamAnswer(deps, { request, asked, name, items });
  }
  const result = await method.call(asked, params);
  const extra = extensionHeaders(request.headers, asked.extensions);
  if (row.isEmpty === true)
    return { status: 204, headers: { "cache-control": "no-store", ...extra }, body: "" };
  return jsonAnswer(request, 200, result, extra);
}

interface OpenStream {
  readonly request: HttpRequest;
  readonly asked: Asked;
  readonly name: string;
  readonly items: JsonStream;
}

function streamAnswer(
  { logger, heartbeatMs, dialect }: HttpJsonDeps,
  { request, asked, name, items }: OpenStream,
): HttpResponse {
  const errorEvent = (thrown: unknown): StreamEvent => ({
    event: "error",
    data: JSON.stringify(dialect.errorBody(a2aErrorFromThrown(thrown, name, logger))),
  });
  return {
    status: 200,
    headers: { ...EVENT_STREAM_HEADERS, ...extensionHeaders(request.headers, asked.extensions) },
    body: bytesFromEvents(events(items), { heartbeatMs, errorEvent }),
  };
}

async function* events(items: JsonStream): AsyncGenerator<StreamEvent, void, undefined> {
  for await (const { json, sequence } of items) yield { data: JSON.stringify(json), sequence };
}

function errorAnswer({ dialect }: HttpJsonDeps, request: HttpRequest, error: A2aError): HttpResponse {
  return jsonAnswer(request, httpStatusFrom(error), dialect.errorBody(error), headersFromError(error));
}

function jsonAnswer(
  { headers }: HttpRequest,
  status: number,
  value: JsonValue,
  extra: HttpResponse["headers"],
): HttpResponse {
  return {
    status,
    headers: { "content-type": mediaType(headers.get("accept")), "cache-control": "no-store", ...extra },
    body: JSON.stringify(value),
  };
}

/** 1.0's own type, unless the client takes plain JSON and does not name it, as those of 0.3 do. */
function mediaType(accept: string | undefined): string {
  const takesOwn = accept === undefined || /application\/(a2a\+json|\*)|\*\/\*/.test(accept);
  return takesOwn || !accept.includes("application/json") ? "application/a2a+json" : "application/json";
}
