import type { DescMethod, DescService } from "@bufbuild/protobuf";
import { expect, it } from "vitest";
import { newCounts } from "../../../src/model/counts.ts";
import { MeshError } from "../../../src/model/errors.ts";
import type { RpcContext, RpcMethod, RpcService } from "../../../src/ports/rpc.ts";
import { createMetrics } from "../../../src/telemetry/metrics/metrics.ts";

const METHOD = {} as DescMethod;
const CONTEXT = {} as RpcContext;

function serviceOf(...methods: RpcMethod[]): RpcService {
  return { service: {} as DescService, methods };
}

function measured(...methods: RpcMethod[]) {
  const counts = newCounts();
  const metrics = createMetrics({ counts, version: "1", logEngine: "embedded" });
  const [service] = metrics.rpc.services("grpc", [serviceOf(...methods)]);
  return { methods: service?.methods ?? [], metrics, counts };
}

it("counts unary calls by how they ended, and passes answers and errors on", async () => {
  const answer = {} as never;
  let failure: unknown;
  const { methods, metrics } = measured({
    kind: "unary",
    method: METHOD,
    handle: () => (failure === undefined ? Promise.resolve(answer) : Promise.reject(failure)),
  });
  const [rpc] = methods;
  if (rpc?.kind !== "unary") throw new Error("not unary");
  expect(await rpc.handle({} as never, CONTEXT)).toBe(answer);
  failure = new MeshError("gone", "used up");
  await expect(rpc.handle({} as never, CONTEXT)).rejects.toBe(failure);
  failure = new Error("a defect");
  await expect(rpc.handle({} as never, CONTEXT)).rejects.toBe(failure);
  const text = await metrics.render();
  for (const [code, calls] of [
    ["ok", 1],
    ["gone", 1],
    ["internal", 1],
  ])
    expect(text).toContain(`mesh_rpc_calls_total{adapter="grpc",code="${code}"} ${calls}\n`);
  expect(text).toContain('mesh_rpc_call_seconds_count{adapter="grpc"} 3\n');
});

it("counts a stream while it is open, and how it ended once", async () => {
  const { methods, metrics, counts } = measured({
    kind: "server_streaming",
    method: METHOD,
    async *handle() {
      yield {} as never;
      throw new MeshError("gap", "gone");
    },
  });
  const [rpc] = methods;
  if (rpc?.kind !== "server_streaming") throw new Error("not a stream");
  const broken = rpc.handle({} as never, CONTEXT)[Symbol.asyncIterator]();
  await broken.next();
  expect(counts.streams.get("grpc")).toEqual({ opened: 1, closed: 0 });
  await expect(broken.next()).rejects.toThrow("gone");
  const left = rpc.handle({} as never, CONTEXT)[Symbol.asyncIterator]();
  await left.next();
  await left.return?.();
  await broken.return?.();
  expect(counts.streams.get("grpc")).toEqual({ opened: 2, closed: 2 });
  const text = await metrics.render();
  expect(text).toContain('mesh_rpc_calls_total{adapter="grpc",code="gap"} 1\n');
  expect(text).toContain('mesh_rpc_calls_total{adapter="grpc",code="ok"} 1\n');
});

it("leaves sessions alone: they count themselves", () => {
  const session: RpcMethod = { kind: "session", method: METHOD, open: () => ({}) as never };
  expect(measured(session).methods[0]).toBe(session);
});
