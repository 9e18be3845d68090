import { MeshError, meshErrorFromUnknown } from "../../model/errors.ts";
import type { HttpHandler, HttpRequest, HttpResponse } from "../../ports/listener.ts";
import { createHandlers, type HandlerOptions } from "./handlers.ts";
import { refusalFromProtocol } from "./protocol-error.ts";
import { refusalFromError } from "./refusal.ts";
import { type ConnectCall, responseFromUniversal, universalFromRequest } from "./universal.ts";

/** Serves Connect and gRPC-Web. Each answer, refusals included, is in the protocol that the request speaks. */
export function createConnectHandler(options: HandlerOptions): HttpHandler {
  const handlers = createHandlers(options);
  const sessions = sessionPaths(options);

  async function answer(request: HttpRequest): Promise<HttpResponse> {
    const handler = handlers.get(request.path);
    if (handler === undefined) {
      return refusalFromError(request, sessions.has(request.path) ? noSession() : noProcedure(request.path));
    }
    const call: ConnectCall = { request, isInvoked: false };
    const response = await handler(universalFromRequest(call, await request.body()));
    if (!call.isInvoked) return refusalFromProtocol(request, response);
    return responseFromUniversal(response, handler.method.methodKind === "server_streaming");
  }

  return async (request) => {
    try {
      return await answer(request);
    } catch (thrown) {
      const error = meshErrorFromUnknown(thrown);
      if (error.code === "internal") options.onError(error, request.path);
      return refusalFromError(request, error);
    }
  };
}

function sessionPaths({ services }: HandlerOptions): ReadonlySet<string> {
  const rows = services.flatMap(({ methods }) => methods).filter(({ kind }) => kind === "session");
  return new Set(rows.map(({ method }) => `/${method.parent.typeName}/${method.name}`));
}

function noSession(): MeshError {
  return new MeshError(
    "unimplemented",
    "a session needs frames in both directions at once, which HTTP/1.1 has not",
    {
      hint: "open a WebSocket at /ws, whose frames are the same messages, or use the gRPC port; Attach follows an inbox here",
    },
  );
}

function noProcedure(path: string): MeshError {
  return new MeshError("unimplemented", `there is no procedure ${path.slice(0, 120)}`, {
    hint: "services and methods are those of proto/meshkore/v1: /meshkore.v1.RelayService/Send",
  });
}
