import {
  create,
  type DescMethod,
  type DescService,
  type MessageInitShape,
  type MessageShape,
} from "@bufbuild/protobuf";
import { meshErrorFromUnknown } from "../../model/errors.ts";
import type { Call } from "../../model/principal.ts";
import type { SocketConnection, SocketSession } from "../../ports/listener.ts";
import type { RpcContext, RpcMethod, RpcService } from "../../ports/rpc.ts";
import { callFromRequest, openCallFromRequest } from "../caller.ts";
import type { RegistryApi } from "../registry-api.ts";

type Answer<Method extends DescMethod> = MessageInitShape<Method["output"]>;

/** May throw anything; what is no MeshError becomes `internal`. */
export type UnaryHandler<Method extends DescMethod> = (
  request: MessageShape<Method["input"]>,
  call: Call,
) => Promise<Answer<Method>>;

export type StreamHandler<Method extends DescMethod> = (
  request: MessageShape<Method["input"]>,
  call: Call,
) => AsyncIterable<Answer<Method>>;

/** Proves its caller by itself: the token may come in its first frame. */
export type SessionHandler = (connection: SocketConnection, context: RpcContext) => SocketSession;

type HandlerOf<Method extends DescMethod> = Method extends { readonly methodKind: "unary" }
  ? UnaryHandler<Method>
  : Method extends { readonly methodKind: "server_streaming" }
    ? StreamHandler<Method>
    : SessionHandler;

/** A service of src/gen, whose type knows each method. */
type GeneratedService = DescService & { readonly method: Readonly<Record<string, DescMethod>> };

/** One handler for each method: one that is missing does not compile. */
export type HandlersOf<Service extends GeneratedService> = {
  readonly [Name in keyof Service["method"]]: HandlerOf<Service["method"][Name]>;
};

export interface BindOptions<Service extends GeneratedService> {
  readonly registry: Pick<RegistryApi, "authenticate">;
  /** Methods that take no token, and do not look at one. */
  readonly open?: readonly (keyof Service["method"])[];
}

/**
 * Adds what all calls share: who calls, typed errors, answers as messages.
 * @throws Error when a method has no handler
 */
export function bindService<Service extends GeneratedService>(
  service: Service,
  handlers: HandlersOf<Service>,
  options: BindOptions<Service>,
): RpcService {
  const methods = service.methods.map((method): RpcMethod => {
    // The mapped type above says which handler belongs to which method; a loop over them cannot.
    const handler: unknown = handlers[method.localName];
    if (typeof handler !== "function") throw new Error(`${method} has no handler`);
    const isOpen = options.open?.includes(method.localName) === true;
    const callOf = async (context: RpcContext): Promise<Call> =>
      isOpen ? openCallFromRequest(context) : callFromRequest(context, options.registry);
    if (method.methodKind === "unary") return unaryRow(method, handler as UnaryHandler<DescMethod>, callOf);
    if (method.methodKind === "server_streaming") {
      return streamRow(method, handler as StreamHandler<DescMethod>, callOf);
    }
    return { kind: "session", method, open: handler as SessionHandler };
  });
  return { service, methods };
}

type CallOf = (context: RpcContext) => Promise<Call>;

function unaryRow(method: DescMethod, handler: UnaryHandler<DescMethod>, callOf: CallOf): RpcMethod {
  return {
    kind: "unary",
    method,
    async handle(request, context) {
      try {
        return create(method.output, await handler(request, await callOf(context)));
      } catch (thrown) {
        throw meshErrorFromUnknown(thrown);
      }
    },
  };
}

function streamRow(method: DescMethod, handler: StreamHandler<DescMethod>, callOf: CallOf): RpcMethod {
  return {
    kind: "server_streaming",
    method,
    async *handle(request, context) {
      try {
        for await (const answer of handler(request, await callOf(context)))
          yield create(method.output, answer);
      } catch (thrown) {
        throw meshErrorFromUnknown(thrown);
      }
    },
  };
}
