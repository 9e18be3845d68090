import { create, type DescMethod } from "@bufbuild/protobuf";
import { describe, expect, test } from "vitest";
import { bindService } from "../../../../src/api/native/bind.ts";
import { createNativeServices } from "../../../../src/api/native/index.ts";
import { ChannelService, file_meshkore_v1_channels } from "../../../../src/gen/meshkore/v1/channels_pb.js";
import { file_meshkore_v1_operator } from "../../../../src/gen/meshkore/v1/operator_pb.js";
import { file_meshkore_v1_registry } from "../../../../src/gen/meshkore/v1/registry_pb.js";
import { file_meshkore_v1_relay } from "../../../../src/gen/meshkore/v1/relay_pb.js";
import { file_meshkore_v1_tasks } from "../../../../src/gen/meshkore/v1/tasks_pb.js";
import { newCounts } from "../../../../src/model/counts.ts";
import type { RpcService } from "../../../../src/ports/rpc.ts";
import { codeOf } from "../../../support/core-fixture.ts";
import { createFakeApi } from "./fake-api.ts";

const FILES = [
  file_meshkore_v1_relay,
  file_meshkore_v1_channels,
  file_meshkore_v1_registry,
  file_meshkore_v1_operator,
  file_meshkore_v1_tasks,
];

const OPEN = ["RegistryService.DescribeInvite", "RegistryService.Join", "RegistryService.Register"];

function services(): readonly RpcService[] {
  return createNativeServices({
    api: createFakeApi().api,
    hubId: "hub.test",
    maxPayloadBytes: 1,
    maxFrameBytes: 1,
    counts: newCounts(),
  });
}

function nameOf(method: DescMethod): string {
  return `${method.parent.name}.${method.name}`;
}

describe("the native services", () => {
  test("have a row for every method of every service in proto", () => {
    const bound = services().flatMap(({ methods }) => methods.map(({ method }) => nameOf(method)));
    const declared = FILES.flatMap((file) => file.services).flatMap(({ methods }) => methods.map(nameOf));
    expect(declared.length).toBeGreaterThan(40);
    expect(bound.toSorted()).toEqual(declared.toSorted());
  });

  test("do not start when a method has no handler", () => {
    const registry = createFakeApi().api.registry;
    expect(() => bindService(ChannelService, {} as never, { registry })).toThrow(/has no handler/);
  });

  test("take no call without a token but the three that are for strangers", async () => {
    const context = { headers: new Map(), remoteAddress: "127.0.0.1", signal: new AbortController().signal };
    const refused: string[] = [];
    for (const row of services().flatMap(({ methods }) => methods)) {
      if (row.kind === "session") continue;
      const answer = row.handle(create(row.method.input) as never, context);
      const first =
        row.kind === "unary" ? answer : (answer as AsyncIterable<unknown>)[Symbol.asyncIterator]().next();
      if ((await codeOf(first as Promise<unknown>)) !== "unauthenticated") refused.push(nameOf(row.method));
    }
    expect(refused).toEqual(OPEN);
  });
});
