import {
  type Call,
  callFromRequest,
  callFromTicket,
  type HttpRequest,
  type Logger,
  openCallFromRequest,
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
        const call = await callOf(operation, request, registry);
        return await operation.handle({ call, request, params });
      } catch (thrown) {
        return responseFromError(meshErrorFromThrown(thrown, `${method} ${path}`, logger));
      }
    },
  };
}

function callOf(
  { open, insteadOfToken }: Operation,
  request: HttpRequest,
  registry: RegistryApi,
): Call | Promise<Call> {
  if (open === true) return openCallFromRequest(request);
  if (insteadOfToken === "ticket" && !request.headers.has("authorization")) {
    const ticket = new URLSearchParams(request.query).get("ticket");
    if (ticket !== null) return callFromTicket(request, ticket, registry);
  }
  return callFromRequest(request, registry);
}
