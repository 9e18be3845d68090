import type { Metadata } from "@grpc/grpc-js";
import { MeshError } from "../../model/errors.ts";
import type { RpcContext } from "../../ports/rpc.ts";
import { contextFromCall, type IsTrustedProxy } from "./call-context.ts";
import type { OpenCount } from "./open-count.ts";

interface AnyCall {
  readonly metadata: Metadata;
  getPeer(): string;
  on(event: "cancelled", listener: () => void): unknown;
}

/** What the handlers of all methods share. */
export interface CallDeps {
  readonly calls: OpenCount;
  readonly highWaterBytes: number;
  readonly maxMessageBytes: number;
  contextOf(call: AnyCall): RpcContext;
  /** Reports what is against the contract: anything that is no MeshError. */
  note(thrown: unknown): void;
}

export interface CallDepsOptions {
  readonly calls: OpenCount;
  readonly highWaterBytes: number;
  readonly maxMessageBytes: number;
  readonly isTrustedProxy: IsTrustedProxy;
  readonly onError: (error: unknown) => void;
}

export function createCallDeps({ isTrustedProxy, onError, ...rest }: CallDepsOptions): CallDeps {
  return {
    ...rest,
    contextOf: (call) => contextFromCall(call, isTrustedProxy),
    note(thrown) {
      if (!(thrown instanceof MeshError)) onError(thrown);
    },
  };
}
