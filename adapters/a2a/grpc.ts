import { create, type DescMethod, type MessageInitShape, type MessageShape } from "@bufbuild/protobuf";
import type {
  Logger,
  MeshError,
  RegistryApi,
  RpcContext,
  RpcMethod,
  RpcService,
} from "../../src/adapter-kit.ts";
import { A2AService } from "../../src/gen/lf/a2a/v1/a2a_pb.js";
import { A2aError } from "./a2a-error.ts";
import { type Asked, HUB } from "./asked.ts";
import { a2aErrorFromMesh, a2aErrorFromThrown, rpcErrorFrom } from "./errors.ts";
import { askedFrom } from "./incoming.ts";
import type { Operations } from "./operations.ts";
import type { ItemStream } from "./task-stream.ts";
import { versionFromText } from "./versions.ts";

export interface GrpcDeps {
  readonly operations: Operations;
  readonly registry: Pick<RegistryApi, "authenticate">;
  readonly logger: Logger;
}

/** The gRPC binding: the agent is the request's tenant, the hub itself where there is none. */
export function createA2aService(deps: GrpcDeps): RpcService {
  const { operations } = deps;
  const { method } = A2AService;
  const methods: readonly RpcMethod[] = [
    unary(deps, method.sendMessage, operations.sendMessage),
    stream(deps, method.sendStreamingMessage, operations.sendStreamingMessage),
    unary(deps, method.getTask, operations.getTask),
    unary(deps, method.listTasks, operations.listTasks),
    unary(deps, method.cancelTask, operations.cancelTask),
    stream(deps, method.subscribeToTask, operations.subscribeToTask),
    unary(deps, method.createTaskPushNotificationConfig, operations.createTaskPushNotificationConfig),
    unary(deps, method.getTaskPushNotificationConfig, operations.getTaskPushNotificationConfig),
    unary(deps, method.listTaskPushNotificationConfigs, operations.listTaskPushNotificationConfigs),
    unary(deps, method.getExtendedAgentCard, operations.getExtendedAgentCard),
    unary(deps, method.deleteTaskPushNotificationConfig, async (asked, request) => {
      await operations.deleteTaskPushNotificationConfig(asked, request);
      return {};
    }),
  ];
  return { service: A2AService, methods };
}

function unary<Method extends DescMethod>(
  deps: GrpcDeps,
  method: Method,
  call: (asked: Asked, request: MessageShape<Method["input"]>) => Promise<MessageInitShape<Method["output"]>>,
): RpcMethod {
  return {
    kind: "unary",
    method,
    unreadable,
    async handle(request, context) {
      try {
        // The row's method says what its request is.
        const given = request as MessageShape<Method["input"]>;
        return create(method.output, await call(await askedOf(deps, context), given));
      } catch (thrown) {
        throw told(deps, method, thrown);
      }
    },
  };
}

function stream<Method extends DescMethod>(
  deps: GrpcDeps,
  method: Method,
  open: (asked: Asked, request: MessageShape<Method["input"]>) => Promise<ItemStream>,
): RpcMethod {
  return {
    kind: "server_streaming",
    method,
    unreadable,
    async *handle(request, context) {
      try {
        const given = request as MessageShape<Method["input"]>;
        for await (const { response } of await open(await askedOf(deps, context), given)) yield response;
      } catch (thrown) {
        throw told(deps, method, thrown);
      }
    },
  };
}

/**
 * The package's name says that a call is of 1.0: one that names no version is taken for that, although the protocol has
 * 0.3 for it, whose calls go to a package of another name. @throws A2aError VERSION_NOT_SUPPORTED
 */
function askedOf({ registry }: GrpcDeps, context: RpcContext): Promise<Asked> {
  const given = context.headers.get("a2a-version") ?? "";
  if (given.trim() !== "" && versionFromText(given) !== "1.0") {
    throw new A2aError("VERSION_NOT_SUPPORTED", "this service is of version 1.0", {
      metadata: { supportedVersions: "1.0", requestedVersion: given },
    });
  }
  return askedFrom(context, { base: HUB, version: "1.0" }, registry);
}

/** JSON that cannot be read is a parse error too. */
function unreadable(error: MeshError): MeshError {
  return rpcErrorFrom(a2aErrorFromMesh(error, "PARSE_ERROR"));
}

function told({ logger }: GrpcDeps, { name }: DescMethod, thrown: unknown): MeshError {
  return rpcErrorFrom(a2aErrorFromThrown(thrown, name, logger));
}
