import type { HttpHandler } from "../../ports/listener.ts";
import type { RpcService } from "../../ports/rpc.ts";
import type { PrefixMount } from "../mounts.ts";
import type { HandlerOptions } from "./handlers.ts";

/** In front of the service's name in the path of every procedure. */
const PREFIX = "/meshkore.v1.";

export interface ConnectMountOptions extends Omit<HandlerOptions, "services"> {
  readonly services: () => Promise<readonly RpcService[]>;
}

/**
 * Connect (JSON and binary) and gRPC-Web under `/meshkore.v1.<Service>/<Method>`. The library is loaded with the first
 * call: a hub that nobody calls so does without its memory.
 */
export function createConnectMount({ services, ...options }: ConnectMountOptions): PrefixMount {
  let handler: Promise<HttpHandler> | undefined;
  const load = async (): Promise<HttpHandler> => {
    const [{ createConnectHandler }, rows] = await Promise.all([import("./calls.ts"), services()]);
    return createConnectHandler({ ...options, services: rows });
  };
  return {
    prefix: PREFIX,
    method: "POST",
    async handle(request) {
      handler ??= load();
      return (await handler)(request);
    },
  };
}
