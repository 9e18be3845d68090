import { once } from "node:events";
import { create, fromBinary, type MessageInitShape, toBinary } from "@bufbuild/protobuf";
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt";
import { Code, ConnectError, createClient } from "@connectrpc/connect";
import { createGrpcTransport } from "@connectrpc/connect-node";
import { Client, credentials, type ServiceError, status } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  Health,
  HealthCheckRequestSchema,
  HealthCheckResponseSchema,
  HealthCheckResponse_ServingStatus as Serving,
} from "../../../src/gen/grpc/health/v1/health_pb.js";
import * as V1 from "../../../src/gen/grpc/reflection/v1/reflection_pb.js";
import {
  ServerReflectionRequestSchema,
  type ServerReflectionResponse,
  ServerReflectionResponseSchema,
} from "../../../src/gen/grpc/reflection/v1/reflection_pb.js";
import * as V1Alpha from "../../../src/gen/grpc/reflection/v1alpha/reflection_pb.js";
import { EnvelopeSchema } from "../../../src/gen/meshkore/v1/envelope_pb.js";
import { ErrorCode, ErrorDetailSchema } from "../../../src/gen/meshkore/v1/errors_pb.js";
import { RegistryService } from "../../../src/gen/meshkore/v1/registry_pb.js";
import { RelayService } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { startHub, type TestAgent, type TestHub } from "../../support/hub.ts";
import { until } from "../../support/until.ts";
import { same } from "./rpc-fixture.ts";

let hub: TestHub;
let alice: TestAgent;
let bob: TestAgent;

beforeAll(async () => {
  hub = await startHub();
  alice = await hub.join("alice");
  bob = await hub.join("bob");
});
afterAll(() => hub?.[Symbol.asyncDispose]());

const transport = () => createGrpcTransport({ baseUrl: `http://${hub.grpc}` });
const as = (agent: TestAgent) => ({ headers: { authorization: `Bearer ${agent.token}` } });

describe("Connect's gRPC client", () => {
  test("sends, receives and follows", async () => {
    const relay = createClient(RelayService, transport());
    const payload = Buffer.from('"hello"');
    const sent = await relay.send({ to: "bob", payload, contentType: "application/json" }, as(alice));
    expect(sent.messageId).toMatch(/^[0-9a-f-]{36}$/);
    const page = await relay.receive({ manualAck: true }, as(bob));
    const { header, payload: got } = fromBinary(EnvelopeSchema, page.deliver[0]?.envelope ?? Buffer.alloc(0));
    expect(header).toMatchObject({ id: sent.messageId, from: "alice", to: "bob" });
    expect(Buffer.from(got).toString()).toBe('"hello"');

    const stop = new AbortController();
    const seen: bigint[] = [];
    const following = (async () => {
      for await (const { deliver } of relay.attach({}, { ...as(bob), signal: stop.signal })) {
        for (const { offset } of deliver) seen.push(offset);
      }
    })();
    await until("the first", () => seen.length === 1);
    await relay.send({ to: "bob", payload, contentType: "application/json" }, as(alice));
    await until("the second", () => seen.length === 2);
    expect(seen).toEqual([1n, 2n]);
    stop.abort();
    await expect(following).rejects.toMatchObject({ code: Code.Canceled });
  });

  test("is told why it is refused", async () => {
    const registry = createClient(RegistryService, transport());
    const relay = createClient(RelayService, transport());
    await expect(registry.listAgents({})).rejects.toMatchObject({ code: Code.Unauthenticated });
    const error = await relay.send({ to: "nobody" }, as(alice)).catch(ConnectError.from);
    expect(error).toMatchObject({ code: Code.NotFound });
    expect((error as ConnectError).findDetails(ErrorDetailSchema)[0]?.code).toBe(ErrorCode.NOT_FOUND);
  });
});

describe("health checking", () => {
  const check = (service: string) =>
    new Promise<number | ServiceError>((resolve) => {
      const client = new Client(String(hub.grpc), credentials.createInsecure());
      const request = Buffer.from(
        toBinary(HealthCheckRequestSchema, create(HealthCheckRequestSchema, { service })),
      );
      client.makeUnaryRequest("/grpc.health.v1.Health/Check", same, same, request, (error, answer) => {
        client.close();
        resolve(error ?? fromBinary(HealthCheckResponseSchema, answer ?? Buffer.alloc(0)).status);
      });
    });

  test.each(["", "meshkore.v1.RelayService", "meshkore.v1.OperatorService", "grpc.health.v1.Health"])(
    "'%s' serves",
    async (service) => expect(await check(service)).toBe(Serving.SERVING),
  );

  test("what is not there is not found", async () =>
    expect(await check("meshkore.v1.Nothing")).toMatchObject({ code: status.NOT_FOUND }));

  test("a watcher sees the hub stop; calls under way are answered", async () => {
    await using own = await startHub();
    const [carol, dave] = [await own.join("carol"), await own.join("dave")];
    const wire = createGrpcTransport({ baseUrl: `http://${own.grpc}` });
    const seen: Serving[] = [];
    const watching = (async () => {
      for await (const { status: now } of createClient(Health, wire).watch({ service: "" })) seen.push(now);
    })().catch(ConnectError.from);
    const unknown: Serving[] = [];
    const watchingUnknown = (async () => {
      const never = createClient(Health, wire).watch({ service: "never.Heard" });
      for await (const { status: now } of never) unknown.push(now);
    })().catch(ConnectError.from);
    await until("serving", () => seen.length === 1 && unknown.length === 1);
    const relay = createClient(RelayService, wire);
    // A waiting send is under way when its message has arrived.
    const send = { to: "dave", payload: Buffer.from("1"), contentType: "application/json" };
    const waiting = relay.sendAndWait({ send, waitMs: 3000 }, as(carol)).catch(ConnectError.from);
    await until("the message", async () => (await dave.get("/messages?ack=manual")).messages().length === 1);
    const stopping = own.stop();
    expect(await waiting).toMatchObject({ sent: { offset: 1n } });
    expect(await watching).toMatchObject({ code: Code.Unavailable });
    expect(await watchingUnknown).toMatchObject({ code: Code.Unavailable });
    expect(seen).toEqual([Serving.SERVING, Serving.NOT_SERVING]);
    expect(unknown).toEqual([Serving.SERVICE_UNKNOWN]);
    expect(await stopping).toBe(0);
  });
});

type Question = NonNullable<MessageInitShape<typeof ServerReflectionRequestSchema>["messageRequest"]>;

describe.each([
  ["v1", V1.ServerReflection],
  ["v1alpha", V1Alpha.ServerReflection],
] as const)("reflection %s", (_name, { typeName }) => {
  /** Answers of one call, in the words of v1, whose bytes are the same. */
  async function ask(...asked: Question[]) {
    const client = new Client(String(hub.grpc), credentials.createInsecure());
    const call = client.makeBidiStreamRequest(`/${typeName}/ServerReflectionInfo`, same, same);
    for (const messageRequest of asked) {
      const request = create(ServerReflectionRequestSchema, { messageRequest });
      call.write(Buffer.from(toBinary(ServerReflectionRequestSchema, request)));
    }
    call.end();
    const answers: ServerReflectionResponse["messageResponse"][] = [];
    for await (const bytes of call)
      answers.push(fromBinary(ServerReflectionResponseSchema, bytes).messageResponse);
    client.close();
    return answers;
  }

  test("lists what the port serves", async () => {
    const [answer] = await ask({ case: "listServices", value: "" });
    const names = answer?.case === "listServicesResponse" && answer.value.service.map(({ name }) => name);
    expect(names).toEqual([
      "grpc.health.v1.Health",
      "grpc.reflection.v1.ServerReflection",
      "grpc.reflection.v1alpha.ServerReflection",
      "lf.a2a.v1.A2AService",
      "meshkore.v1.ChannelService",
      "meshkore.v1.OperatorService",
      "meshkore.v1.RegistryService",
      "meshkore.v1.RelayService",
      "meshkore.v1.TaskService",
    ]);
  });

  test("gives files with their imports, by symbol and by name, and says what is not there", async () => {
    const answers = await ask(
      { case: "fileContainingSymbol", value: "meshkore.v1.RelayService.Send" },
      { case: "fileContainingSymbol", value: "meshkore.v1.Envelope" },
      { case: "fileByFilename", value: "meshkore/v1/relay.proto" },
      { case: "fileContainingSymbol", value: "grpc.health.v1.Health" },
      { case: "fileContainingSymbol", value: "never.Heard" },
      { case: "fileByFilename", value: "../../etc/passwd" },
      { case: undefined },
    );
    const files = answers.map((answer) =>
      answer.case === "fileDescriptorResponse"
        ? answer.value.fileDescriptorProto.map((bytes) => fromBinary(FileDescriptorProtoSchema, bytes).name)
        : answer.case === "errorResponse" && answer.value.errorCode,
    );
    const relay = ["meshkore/v1/relay.proto", "meshkore/v1/envelope.proto", "meshkore/v1/errors.proto"];
    const envelope = ["meshkore/v1/envelope.proto"];
    expect(files).toEqual([relay, envelope, relay, ["grpc/health/v1/health.proto"], 5, 5, 5]);
  });

  test("of bytes that are no question ends the call", async () => {
    const client = new Client(String(hub.grpc), credentials.createInsecure());
    const call = client.makeBidiStreamRequest(`/${typeName}/ServerReflectionInfo`, same, same);
    call.write(Buffer.from([0xff, 0xff]));
    call.resume();
    expect((await once(call, "error"))[0]).toMatchObject({ code: status.INVALID_ARGUMENT });
    client.close();
  });
});
