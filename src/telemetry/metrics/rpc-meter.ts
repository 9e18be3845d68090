import type { DescMethod } from "@bufbuild/protobuf";
import { type OpenCount, openCountOf } from "../../model/counts.ts";
import { MeshError } from "../../model/errors.ts";
import type { RpcMethod, RpcService, ServerStreamRpc, UnaryRpc } from "../../ports/rpc.ts";
import { countedParts } from "./counted-parts.ts";
import type { Meters } from "./meters.ts";

/** Measures calls of the native services. */
export interface RpcMeter {
  /** The services as one wire serves them, measured. Sessions count themselves when they open. */
  services(adapter: string, services: readonly RpcService[]): readonly RpcService[];
}

const OK = "ok";

/** Told how a call ended: not at all, or with what it threw. */
type Ended = (startMs: number, thrown?: unknown) => void;

export function createRpcMeter(meters: Meters, streams: Map<string, OpenCount>): RpcMeter {
  const calls = meters.counter("mesh_rpc_calls_total");
  const seconds = meters.histogram("mesh_rpc_call_seconds");
  return {
    services(adapter, services) {
      const took = seconds.labels({ adapter });
      const ok = calls.labels({ adapter, code: OK });
      ok.inc(0);
      const noteUnary: Ended = (startMs, thrown) => {
        took.observe((performance.now() - startMs) / 1000);
        noteCode(thrown);
      };
      const noteCode = (thrown: unknown): void => {
        if (thrown === undefined) ok.inc();
        else calls.inc({ adapter, code: thrown instanceof MeshError ? thrown.code : "internal" });
      };
      const open = openCountOf(streams, adapter);
      const measured = (method: RpcMethod): RpcMethod => {
        if (method.kind === "unary") return measuredUnary(method, noteUnary);
        return method.kind === "server_streaming" ? measuredStream(method, open, noteCode) : method;
      };
      return services.map(({ service, methods }) => ({ service, methods: methods.map(measured) }));
    },
  };
}

function measuredUnary(rpc: UnaryRpc<DescMethod>, ended: Ended): UnaryRpc {
  return {
    ...rpc,
    async handle(request, context) {
      const startMs = performance.now();
      try {
        const answer = await rpc.handle(request, context);
        ended(startMs);
        return answer;
      } catch (thrown) {
        ended(startMs, thrown);
        throw thrown;
      }
    },
  };
}

/** How long a stream stays open says nothing of the hub: it is counted, not timed. */
function measuredStream(
  rpc: ServerStreamRpc<DescMethod>,
  open: OpenCount,
  ended: (thrown?: unknown) => void,
): ServerStreamRpc {
  return {
    ...rpc,
    handle: (request, context) => countedParts(rpc.handle(request, context), open, ended),
  };
}
