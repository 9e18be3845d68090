import type {
  HubKeys,
  Logger,
  PushApi,
  RegistryApi,
  Route,
  RpcService,
  TaskApi,
} from "../../src/adapter-kit.ts";
import type { CardFacts } from "./card.ts";
import { cardRoutes } from "./card-routes.ts";
import { createCards } from "./cards.ts";
import type { A2aConfig } from "./config.ts";
import { createTypeCheck } from "./content-types.ts";
import { createA2aService } from "./grpc.ts";
import { httpJsonRoutes, REST_0_3, REST_1_0 } from "./http-json.ts";
import { httpJsonRows } from "./http-json-rows.ts";
import { createHubAnswer } from "./hub-agent.ts";
import { createHubSigner } from "./hub-signer.ts";
import { jsonRpcRoutes } from "./json-rpc.ts";
import { createMethods } from "./json-rpc-methods.ts";
import type { Operations } from "./operations.ts";
import { createPushFor, createPushOperations } from "./push-configs.ts";
import { addPushRenderers } from "./push-renderers.ts";
import { createSending } from "./sending.ts";
import { createTaskOperations } from "./tasks.ts";
import { createOldMethods } from "./v03/methods.ts";
import { oldRestRows } from "./v03/rest-rows.ts";

export interface A2aDeps {
  readonly tasks: TaskApi;
  readonly push: PushApi;
  readonly registry: Pick<RegistryApi, "authenticate" | "getAgent" | "listAgents">;
  readonly keys: HubKeys;
  readonly logger: Logger;
  readonly facts: () => CardFacts;
  readonly config: A2aConfig;
}

/** All of A2A that comes in: one set of operations behind every binding and both versions. */
export function createA2a(deps: A2aDeps): {
  readonly routes: readonly Route[];
  readonly service: RpcService;
} {
  const { registry, logger, config, facts } = deps;
  const signer = createHubSigner(deps.keys, () => facts().publicUrl);
  addPushRenderers(deps.push, signer);
  const cards = createCards({ registry, signer, facts, nowUnixMs: Date.now });
  const operations = createOperations(deps, cards);
  const methods = createMethods(operations);
  const { heartbeatMs, cardMaxAgeS: maxAgeS } = config;
  const common = { registry, logger, heartbeatMs };
  return {
    routes: [
      ...cardRoutes({ cards, signer, registry, logger, maxAgeS }),
      ...jsonRpcRoutes({
        methods: { "1.0": methods, "0.3": createOldMethods(methods, operations) },
        registry,
        logger,
        heartbeatMs,
      }),
      ...httpJsonRoutes({ ...common, dialect: REST_1_0, rows: httpJsonRows(methods) }),
      ...httpJsonRoutes({ ...common, dialect: REST_0_3, rows: oldRestRows(methods, operations) }),
    ],
    service: createA2aService({ operations, registry, logger }),
  };
}

function createOperations(
  { tasks, push, registry, facts, config }: A2aDeps,
  { getExtendedAgentCard }: Pick<Operations, "getExtendedAgentCard">,
): Operations {
  const access = { tasks, registry };
  const sending = createSending({
    ...access,
    maxWaitMs: config.maxWaitMs,
    hubAnswer: createHubAnswer({ registry, facts }),
    checkTypes: createTypeCheck(registry),
    pushFor: createPushFor({ push, tasks }),
  });
  const pushes = createPushOperations({ ...access, push });
  return { ...sending, ...createTaskOperations(access), ...pushes, getExtendedAgentCard };
}
