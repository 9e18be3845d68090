import {
  create,
  type DescMethod,
  type DescMethodStreaming,
  type DescMethodUnary,
  type DescService,
  toJsonString,
} from "@bufbuild/protobuf";
import { ConnectError, type Transport } from "@connectrpc/connect";
import { createConnectTransport, createGrpcTransport } from "@connectrpc/connect-node";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ChannelService } from "../../../src/gen/meshkore/v1/channels_pb.js";
import { ErrorCode, ErrorDetailSchema } from "../../../src/gen/meshkore/v1/errors_pb.js";
import { OperatorService } from "../../../src/gen/meshkore/v1/operator_pb.js";
import { RegistryService } from "../../../src/gen/meshkore/v1/registry_pb.js";
import { RelayService } from "../../../src/gen/meshkore/v1/relay_pb.js";
import { TaskService } from "../../../src/gen/meshkore/v1/tasks_pb.js";
import { startHub, type TestHub } from "../../support/hub.ts";
import { CALLERS, expectedOutcome } from "./expected.ts";
import { type Build, type Fields, RPC_CALLS } from "./rpc-calls.ts";
import { type BadBearers, badBearers, JWT_SECRET, SECRET, Stage } from "./stage.ts";
import { RPC, type Rule } from "./table.ts";

const SERVICES: readonly DescService[] = [
  RelayService,
  ChannelService,
  TaskService,
  RegistryService,
  OperatorService,
];

let hub: TestHub;
let bad: BadBearers;

beforeAll(async () => {
  hub = await startHub({ env: { MESHKORE_JWT_SECRET: JWT_SECRET } });
  bad = await badBearers(hub);
});
afterAll(() => hub?.[Symbol.asyncDispose]());

interface Row {
  readonly name: string;
  readonly method: DescMethod;
  readonly rule: Rule;
  readonly build: Build;
}

const ROWS: readonly Row[] = SERVICES.flatMap(({ name, methods }) => {
  const rules: Readonly<Record<string, Rule>> = Object(RPC)[name];
  const builds: Readonly<Record<string, Row["build"]>> = Object(RPC_CALLS)[name];
  return methods.flatMap((method) => {
    const [rule, build] = [rules[method.localName], builds[method.localName]];
    return rule === undefined || build === undefined
      ? []
      : [{ name: `${name}.${method.name}`, method, rule, build }];
  });
});

interface Wire {
  readonly name: string;
  readonly hasSessions: boolean;
  transport(): Transport;
}

const WIRES: readonly Wire[] = [
  {
    name: "Connect",
    hasSessions: false,
    transport: () =>
      createConnectTransport({ baseUrl: hub.http, httpVersion: "1.1", useBinaryFormat: false }),
  },
  {
    name: "gRPC",
    hasSessions: true,
    transport: () => createGrpcTransport({ baseUrl: `http://${hub.grpc}` }),
  },
];

/** What the hub answers; of a stream, what comes first. */
async function call(
  transport: Transport,
  { method }: Row,
  request: Fields,
  bearer: string | undefined,
): Promise<{ outcome: string; text: string }> {
  const headers = bearer === undefined ? {} : { authorization: `Bearer ${bearer}` };
  try {
    return { outcome: "ok", text: await answerOf(transport, method, request, headers) };
  } catch (thrown) {
    const error = ConnectError.from(thrown);
    const detail = error.findDetails(ErrorDetailSchema)[0];
    return {
      outcome: codeName(detail?.code) ?? String(error),
      text: `${error} ${JSON.stringify(detail?.hint)}`,
    };
  }
}

async function answerOf(
  transport: Transport,
  method: DescMethod,
  request: Fields,
  headers: Record<string, string>,
): Promise<string> {
  if (method.methodKind === "unary") {
    const { message } = await transport.unary(
      method as DescMethodUnary,
      undefined,
      20_000,
      headers,
      create(method.input, request),
    );
    return toJsonString(method.output, message);
  }
  const abort = new AbortController();
  async function* requests() {
    yield create(method.input, request);
    // The session goes on until its answer has come.
    await new Promise<void>((resolve) => abort.signal.addEventListener("abort", () => resolve()));
  }
  const input = method.methodKind === "server_streaming" ? once(create(method.input, request)) : requests();
  const { message: answers } = await transport.stream(
    method as DescMethodStreaming,
    abort.signal,
    undefined,
    headers,
    input,
  );
  try {
    for await (const answer of answers)
      return refusedOr(Object(answer).error, toJsonString(method.output, answer));
    throw new Error("the stream ended without an answer");
  } finally {
    abort.abort();
  }
}

async function* once<Message>(message: Message) {
  yield message;
}

/** A session says in a frame why it ends. */
function refusedOr(error: { code: ErrorCode } | undefined, text: string): string {
  if (error === undefined) return text;
  throw new ConnectError(text, undefined, undefined, [{ desc: ErrorDetailSchema, value: error }]);
}

function codeName(code: ErrorCode | undefined): string | undefined {
  return code === undefined ? undefined : ErrorCode[code]?.toLowerCase();
}

test("the table has every method of every service", () => {
  const declared = SERVICES.flatMap(({ name, methods }) => methods.map((method) => `${name}.${method.name}`));
  expect(ROWS.map(({ name }) => name)).toEqual(declared);
});

describe.each(WIRES)("a call over $name", (wire) => {
  test.each(ROWS)("$name is for those whom the table says", async (row) => {
    if (row.method.methodKind === "bidi_streaming" && !wire.hasSessions) return;
    const { rule, build } = row;
    const transport = wire.transport();
    const stage = await Stage.open(hub, bad);
    const request = await build(stage);
    const before = await stage.state();
    const refused = CALLERS.filter((caller) => expectedOutcome(rule, caller) !== "ok");
    for (const caller of refused) {
      for (const bearer of stage.bearersOf(caller)) {
        const { outcome, text } = await call(transport, row, request, bearer);
        expect([caller, outcome]).toEqual([caller, expectedOutcome(rule, caller)]);
        expect(text, `${caller} is told`).not.toContain(SECRET);
      }
    }
    expect(await stage.state(), "what was refused changed something").toEqual(before);
    for (const caller of CALLERS.filter((each) => !refused.includes(each))) {
      // What one of them ends, the next one needs.
      const own = rule.others === undefined ? stage : await Stage.open(hub, bad);
      for (const bearer of own.bearersOf(caller)) {
        const { outcome, text } = await call(transport, row, await build(own), bearer);
        const right = rule.right ?? "ok";
        expect([caller, outcome, outcome === right ? "" : text]).toEqual([caller, right, ""]);
        if (caller === "other") expect(text, "another agent is told").not.toContain(SECRET);
      }
    }
  });
});
