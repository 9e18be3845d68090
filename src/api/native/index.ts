import type { RpcService } from "../../ports/rpc.ts";
import { createSessionOpener, type OpenSessionOptions } from "../session/open-session.ts";
import { createChannelService } from "./channels.ts";
import type { NativeDeps } from "./native-deps.ts";
import { createOperatorService } from "./operator.ts";
import { createRegistryService } from "./registry.ts";
import { createRelayService } from "./relay.ts";
import { createTaskService } from "./tasks.ts";

/** All native services, each method once, for every wire to serve. */
export function createNativeServices(options: OpenSessionOptions): readonly RpcService[] {
  const { api, hubId, maxPayloadBytes, maxFrameBytes } = options;
  const deps: NativeDeps = {
    api,
    facts: { hubId, maxPayloadBytes, maxFrameBytes },
    openSession: createSessionOpener(options),
  };
  return [
    createRelayService(deps),
    createChannelService(deps),
    createRegistryService(deps),
    createTaskService(deps),
    createOperatorService(deps),
  ];
}
