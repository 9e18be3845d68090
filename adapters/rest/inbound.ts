import {
  ANONYMOUS,
  type Call,
  type HttpRequest,
  type Logger,
  MeshError,
  type RegistryApi,
  type Route,
} from "../../src/adapter-kit.ts";
import { meshErrorFromThrown, responseFromError } from "./errors.ts";
import type { Operation } from "./operation.ts";

/** Adds what all operations share: who calls, and errors as answers. The route never rejects. */
export function routeFromOperation(operation: Operation, registry: RegistryApi, logger: Logger): Route {
  const { method, path } = operation;
  return {
    method,
    path,
    handle: async (request, params) => {
      try {
        const call = await callFromRequest(request, operation.open === true, registry);
        return await operation.handle({ call, request, params });
      } catch (thrown) {
        return responseFromError(meshErrorFromThrown(thrown, `${method} ${path}`, logger));
      }
    },
  };
}

async function callFromRequest(request: HttpRequest, isOpen: boolean, registry: RegistryApi): Promise<Call> {
  const { remoteAddress, signal } = request;
  const principal = isOpen
    ? ANONYMOUS
    : await registry.authenticate(bearerFromHeader(request.headers.get("authorization")), remoteAddress);
  if (!isOpen && principal.kind === "anonymous") throw noToken();
  const traceparent = traceparentFromHeader(request.headers.get("traceparent"));
  return { principal, signal, remoteAddress, ...(traceparent !== undefined && { traceparent }) };
}

const BEARER = /^bearer +([^\s,]+)\s*$/i;

/** undefined = none was sent. @throws MeshError unauthenticated for another scheme or an empty token */
function bearerFromHeader(header: string | undefined): string | undefined {
  if (header === undefined) return undefined;
  const token = BEARER.exec(header)?.[1];
  if (token === undefined) throw noToken();
  return token;
}

function noToken(): MeshError {
  return new MeshError("unauthenticated", "no valid token", {
    hint: "send 'Authorization: Bearer <token or API key>'; POST /register trades an API key for a token",
  });
}

const TRACEPARENT = /^[0-9a-f]{2}-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$/;

/** W3C Trace Context: a broken one is as none. */
function traceparentFromHeader(header: string | undefined): string | undefined {
  return header !== undefined && TRACEPARENT.test(header) ? header : undefined;
}
