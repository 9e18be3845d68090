import { create } from "@bufbuild/protobuf";
import {
  Health,
  type HealthCheckResponse,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Status,
} from "../../gen/grpc/health/v1/health_pb.js";
import { MeshError } from "../../model/errors.ts";
import type { RpcService, ServerStreamRpc, UnaryRpc } from "../../ports/rpc.ts";
import type { Serving } from "./serving.ts";

/**
 * Health checking of gRPC: a hub serves all of its services, or none. A watch ends with `unavailable` when the hub
 * stops.
 * @param services what may be asked for, beside "", the hub as a whole
 */
export function createHealthService(services: readonly RpcService[], serving: Serving): RpcService {
  const names = new Set(["", Health.typeName, ...services.map(({ service }) => service.typeName)]);
  const statusOf = (name: string): Status => {
    if (!names.has(name)) return Status.SERVICE_UNKNOWN;
    return serving.isServing ? Status.SERVING : Status.NOT_SERVING;
  };
  const check: UnaryRpc<typeof Health.method.check> = {
    kind: "unary",
    method: Health.method.check,
    async handle({ service }) {
      if (names.has(service)) return response(statusOf(service));
      throw new MeshError("not_found", `the hub has no service '${service}'`, {
        hint: "ask for '' or list the services by reflection",
      });
    },
  };
  const watch: ServerStreamRpc<typeof Health.method.watch> = {
    kind: "server_streaming",
    method: Health.method.watch,
    async *handle({ service }, { signal }) {
      let told: Status | undefined;
      while (!signal.aborted) {
        const current = statusOf(service);
        if (current !== told) yield response(current);
        told = current;
        if (serving.isOver) throw new MeshError("unavailable", "the hub is stopping", { retryAfterS: 1 });
        if (statusOf(service) === told) await serving.change(signal);
      }
    },
  };
  return { service: Health, methods: [check, watch] };
}

function response(status: Status): HealthCheckResponse {
  return create(HealthCheckResponseSchema, { status });
}
