import { randomUUID } from "node:crypto";
import { fromBinary } from "@bufbuild/protobuf";
import { anyUnpack } from "@bufbuild/protobuf/wkt";
import { Client, credentials, Metadata, type ServiceError } from "@grpc/grpc-js";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BadRequestSchema, ErrorInfoSchema } from "../../../src/gen/google/rpc/error_details_pb.js";
import { StatusSchema } from "../../../src/gen/google/rpc/status_pb.js";
import type { TestAgent } from "../../support/hub.ts";
import type { RestAnswer } from "../../support/rest-client.ts";
import { openStage, type Stage } from "./stage.ts";

let stage: Stage;
const V1 = { "a2a-version": "1.0" };

beforeAll(async () => {
  stage = await openStage({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.0/8" } });
});

afterAll(async () => {
  await expectHealth();
  expect(stage.hub.log()).not.toContain('"level":"error"');
  await stage[Symbol.asyncDispose]();
});

/** An honest call still gets its answer. */
async function expectHealth(): Promise<void> {
  expect(Object(await rpc("ListTasks", {}))).toMatchObject({ result: { nextPageToken: "" } });
}

interface Posted {
  readonly by?: TestAgent | undefined;
  readonly to?: string;
}

async function post(raw: string, { by = stage.alice, to = "/bob" }: Posted = {}): Promise<RestAnswer> {
  return stage.hub.call("POST", `/a2a${to}`, { token: by.token, raw, headers: V1 });
}

async function rpc(method: string, params: unknown, options: Posted = {}): Promise<unknown> {
  return (await post(JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }), options)).json;
}

const codeOf = (answer: unknown): unknown => Object(Object(answer).error).code;
const reasonOf = (answer: unknown): unknown => Object(answer).error?.data?.[0]?.reason;

describe("JSON-RPC", () => {
  it.each(
    [
      ["", -32700],
      ["{", -32700],
      ["\u0000", -32700],
      ['{"jsonrpc":"2.0","id":1,"method":"GetTask"', -32700],
      [`${"[".repeat(100_000)}`, -32700],
      ["[]", -32600],
      ['[{"jsonrpc":"2.0","id":1,"method":"ListTasks"}]', -32600],
      ["null", -32600],
      ['"ListTasks"', -32600],
      ["{}", -32600],
      ['{"jsonrpc":"1.0","id":1,"method":"ListTasks"}', -32600],
      ['{"jsonrpc":2,"id":1,"method":"ListTasks"}', -32600],
      ['{"jsonrpc":"2.0","id":{},"method":"ListTasks"}', -32600],
      ['{"jsonrpc":"2.0","id":1.5,"method":"ListTasks"}', -32600],
      ['{"jsonrpc":"2.0","id":1,"method":1}', -32600],
      ['{"jsonrpc":"2.0","id":1,"method":""}', -32600],
      ['{"jsonrpc":"2.0","id":1,"method":"constructor"}', -32601],
      ['{"jsonrpc":"2.0","id":1,"method":"__proto__"}', -32601],
      ['{"jsonrpc":"2.0","id":1,"method":"listTasks"}', -32601],
      ['{"jsonrpc":"2.0","id":1,"method":"ListTasks","params":[]}', -32602],
      ['{"jsonrpc":"2.0","id":1,"method":"ListTasks","params":"x"}', -32602],
    ].map(([raw, code]) => [String(raw).slice(0, 60), raw, code] as const),
  )("refuses %j", async (_name, raw, code) => {
    const answer = await post(String(raw));
    expect(answer.status).toBe(200);
    expect(answer.json).toMatchObject({ jsonrpc: "2.0", error: { code } });
  });

  it("gives the id back, whatever it refuses", async () => {
    for (const id of ["a", 7, 0, -1, null]) {
      const answer = await post(JSON.stringify({ jsonrpc: "2.0", id, method: "Nothing" }));
      expect(Object(answer.json).id).toBe(id);
    }
  });
});

const text = { text: "x" };
const message = (changes: object) => ({
  message: { messageId: randomUUID(), role: "ROLE_USER", parts: [text], ...changes },
});

const WRONG: readonly (readonly [string, unknown, string])[] = [
  ["no message", {}, "message"],
  ["a text as message", { message: "hi" }, ""],
  ["no id", message({ messageId: "" }), "message.messageId"],
  ["a number as id", message({ messageId: 7 }), "messageId"],
  ["an endless id", message({ messageId: "x".repeat(300) }), "message.messageId"],
  ["no role", message({ role: undefined }), "message.role"],
  ["a role of nobody", message({ role: "ROLE_KING" }), "message.role"],
  ["an object as role", message({ role: {} }), ""],
  ["no parts", message({ parts: [] }), "message.parts"],
  ["a text as parts", message({ parts: "x" }), "parts"],
  ["null parts", message({ parts: [null] }), "parts"],
  ["an empty part", message({ parts: [{}] }), "message.parts[0]"],
  ["a part of 0.3", message({ parts: [text, { kind: "file", file: {} }] }), "message.parts[1]"],
  ["a part of two contents", message({ parts: [{ text: "a", url: "https://b.test" }] }), ""],
  ["bytes that are no base64", message({ parts: [{ raw: "@@@" }] }), "raw"],
  ["a list as metadata", message({ metadata: [1] }), ""],
  ["a number as extension", message({ extensions: [1] }), "extensions"],
  ["too many parts", message({ parts: Array(1001).fill(text) }), "message.parts"],
  [
    "a negative history",
    { ...message({}), configuration: { historyLength: -1 } },
    "configuration.historyLength",
  ],
  ["a text as configuration", { ...message({}), configuration: "now" }, ""],
  ["another agent as tenant", { ...message({}), tenant: "carol" }, "tenant"],
];

describe("a message that is wrong", () => {
  it.each(WRONG)("%s", async (_name, params, field) => {
    const answer = Object(await rpc("SendMessage", params));
    expect(answer.error.code).toBe(-32602);
    const details = answer.error.data.find((one: object) => "fieldViolations" in one);
    expect(details.fieldViolations.map((one: { field: string }) => one.field)).toContain(field);
    const streamed = await post(
      JSON.stringify({ jsonrpc: "2.0", id: 1, method: "SendStreamingMessage", params }),
    );
    expect(streamed.headers.get("content-type")).toBe("application/json");
    const rest = await stage.hub.call("POST", "/a2a/bob/message:send", {
      token: stage.alice.token,
      headers: V1,
      body: params,
    });
    expect(rest.status).toBe(400);
    expect(JSON.parse(rest.text)).toMatchObject({ error: { code: 400, status: "INVALID_ARGUMENT" } });
  });

  it("is refused when it is too large, before it is looked at", async () => {
    const huge = await post(JSON.stringify(message({ parts: [{ text: "x".repeat(8_000_000) }] })));
    expect(huge.status).toBe(413);
    const large = Object(await rpc("SendMessage", message({ parts: [{ text: "x".repeat(1_100_000) }] })));
    expect(large.error.data[0].reason).toBe("TOO_LARGE");
  });

  it("nests as deeply as JSON may, and no deeper", async () => {
    const nested = (levels: number) => `${'{"a":'.repeat(levels)}1${"}".repeat(levels)}`;
    const raw = (levels: number) =>
      `{"jsonrpc":"2.0","id":1,"method":"SendMessage","params":{"message":{"messageId":"${randomUUID()}",` +
      `"role":"ROLE_USER","parts":[{"data":${nested(levels)}}]},"configuration":{"returnImmediately":true}}}`;
    expect(Object((await post(raw(25))).json).result).toBeDefined();
    expect(codeOf((await post(raw(40))).json)).toBe(-32602);
    expect(codeOf((await post(raw(5000))).json)).toBe(-32700);
  });
});

describe("a stranger", () => {
  const anonymous = (method: string, params: unknown, agent: string) =>
    stage.hub.call("POST", `/a2a/${agent}`, {
      headers: V1,
      body: { jsonrpc: "2.0", id: 1, method, params },
    });

  it("is asked for a token by all but agents that are open, and learns not who is here", async () => {
    const answers = await Promise.all(
      ["bob", "nobody"].map((id) => anonymous("SendMessage", message({}), id)),
    );
    const [bob, nobody] = answers;
    expect(bob?.status).toBe(401);
    expect(bob?.headers.get("www-authenticate")).toBe("Bearer");
    expect(nobody?.text).toBe(bob?.text);
    for (const [method, params] of [
      ["GetTask", { id: randomUUID() }],
      ["ListTasks", {}],
      ["GetExtendedAgentCard", {}],
    ] as const) {
      expect((await anonymous(method, params, "bob")).status).toBe(401);
    }
    const wrong = await stage.hub.call("POST", "/a2a/bob", { token: "wrong", headers: V1, body: {} });
    expect(wrong.status === 401 || codeOf(wrong.json) === -32600).toBe(true);
  });

  it("gives an open agent a task, which whoever knows its id may see, and nobody lists", async () => {
    await stage.hub.join("open", { profile: { visibility: "public", access: "public" } });
    const params = { ...message({}), configuration: { returnImmediately: true } };
    const { task } = Object((await anonymous("SendMessage", params, "open")).json).result;
    expect(Object((await anonymous("GetTask", { id: task.id }, "open")).json).result.id).toBe(task.id);
    // Two guests may use one message id.
    const again = Object((await anonymous("SendMessage", params, "open")).json).result.task;
    expect(again.id).not.toBe(task.id);
    expect(Object((await anonymous("ListTasks", {}, "open")).json).result).toMatchObject({ tasks: [] });
    const unknown = await anonymous("GetTask", { id: randomUUID() }, "open");
    expect([unknown.status, reasonOf(unknown.json)]).toEqual([200, "TASK_NOT_FOUND"]);
    expect((await anonymous("GetExtendedAgentCard", {}, "open")).status).toBe(401);
  });
});

describe("a flood", () => {
  it("of one message is one task", async () => {
    const params = { ...message({}), configuration: { returnImmediately: true } };
    const answers = await Promise.all(Array.from({ length: 30 }, () => rpc("SendMessage", params)));
    const ids = new Set(answers.map((answer) => Object(answer).result?.task.id));
    expect(ids.size).toBe(1);
  });

  it("of streams that nobody reads ends with those who opened them", async () => {
    const params = { ...message({}), configuration: { returnImmediately: true } };
    const { id } = Object(await rpc("SendMessage", params)).result.task;
    const url = `${stage.hub.http}/a2a/bob/tasks/${id}:subscribe`;
    const headers = { ...V1, authorization: `Bearer ${stage.alice.token}` };
    const opened = await Promise.all(
      Array.from({ length: 40 }, async () => {
        const abort = new AbortController();
        const response = await fetch(url, { headers, signal: abort.signal });
        return { status: response.status, abort };
      }),
    );
    expect(opened.every(({ status }) => status === 200)).toBe(true);
    for (const { abort } of opened) abort.abort();
    const survivor = await fetch(url, { headers });
    await stage.bob.post(`/tasks/${id}/messages`, { payload: "end", status: "completed" });
    expect(await survivor.text()).toContain("TASK_STATE_COMPLETED");
  });
});

describe("gRPC", () => {
  async function refused(method: string, request: Uint8Array): Promise<ServiceError> {
    const client = new Client(stage.hub.grpc ?? "", credentials.createInsecure());
    const metadata = new Metadata();
    metadata.set("authorization", `Bearer ${stage.alice.token}`);
    try {
      return await new Promise<ServiceError>((resolve, reject) => {
        const same = (bytes: Uint8Array) => Buffer.from(bytes);
        client.makeUnaryRequest(`/lf.a2a.v1.A2AService/${method}`, same, same, request, metadata, (error) =>
          error === null ? reject(new Error("it was taken")) : resolve(error),
        );
      });
    } finally {
      client.close();
    }
  }

  it("tells the reason and the fields in the details of the status", async () => {
    // SendMessageRequest{tenant: "bob", message: {messageId: "m"}}
    const error = await refused("SendMessage", Buffer.from([10, 3, 98, 111, 98, 18, 3, 10, 1, 109]));
    expect(error.code).toBe(3);
    const [bytes] = error.metadata.get("grpc-status-details-bin");
    const { details } = fromBinary(StatusSchema, bytes as Buffer);
    const [info, badRequest] = details;
    expect(info && anyUnpack(info, ErrorInfoSchema)).toMatchObject({
      reason: "INVALID_PARAMS",
      domain: "a2a-protocol.org",
    });
    const violations = badRequest && anyUnpack(badRequest, BadRequestSchema)?.fieldViolations;
    expect(violations?.map(({ field }) => field)).toEqual(["message.role", "message.parts"]);
  });

  it("refuses what JSON could not tell again, and what is no message", async () => {
    // One data part that holds not-a-number: Value{number_value: NaN}.
    const value = [17, 0, 0, 0, 0, 0, 0, 248, 127];
    const part = [34, value.length, ...value];
    const inner = [10, 1, 109, 32, 1, 42, part.length, ...part];
    const nan = await refused("SendMessage", Buffer.from([10, 3, 98, 111, 98, 18, inner.length, ...inner]));
    expect(nan).toMatchObject({ code: 3, details: "message.parts[0].data is no JSON value" });
    expect((await refused("SendMessage", Buffer.from([10, 255]))).code).toBe(3);
    // Values in values, far beyond what any reader takes.
    let deep = Buffer.from([8, 0]);
    for (let level = 0; level < 200; level++) {
      const list = Buffer.concat([Buffer.from([10]), varint(deep.length), deep]);
      deep = Buffer.concat([Buffer.from([50]), varint(list.length), list]);
    }
    const data = Buffer.concat([Buffer.from([34]), varint(deep.length), deep]);
    const said = Buffer.concat([Buffer.from([10, 1, 109, 32, 1, 42]), varint(data.length), data]);
    const request = Buffer.concat([Buffer.from([10, 3, 98, 111, 98, 18]), varint(said.length), said]);
    expect((await refused("SendMessage", request)).code).toBe(3);
  });
});

function varint(value: number): Buffer {
  const bytes: number[] = [];
  for (let rest = value; ; rest >>>= 7) {
    if (rest < 128) return Buffer.from([...bytes, rest]);
    bytes.push((rest & 127) | 128);
  }
}
