import type { ChannelApi } from "./channel-api.ts";
import type { OperatorApi } from "./operator-api.ts";
import type { OverviewApi } from "./overview-api.ts";
import type { PushApi } from "./push-api.ts";
import type { ReachApi } from "./reach-api.ts";
import type { RegistryApi } from "./registry-api.ts";
import type { RelayApi } from "./relay-api.ts";
import type { TaskApi } from "./task-api.ts";

/**
 * The only way in. Native wires and foreign adapters alike translate to these calls. Every method checks the
 * call's principal by itself and throws MeshError only.
 */
export interface HubApi {
  readonly relay: RelayApi;
  readonly tasks: TaskApi;
  readonly pushes: PushApi;
  readonly reach: ReachApi;
  readonly channels: ChannelApi;
  readonly registry: RegistryApi;
  readonly overview: OverviewApi;
  readonly operator: OperatorApi;
}
