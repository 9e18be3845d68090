import {
  callFromRequest,
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
        const call =
          operation.open === true ? openCallFromRequest(request) : await callFromRequest(request, registry);
        return await operation.handle({ call, request, params });
      } catch (thrown) {
        return responseFromError(meshErrorFromThrown(thrown, `${method} ${path}`, logger));
      }
    },
  };
}
