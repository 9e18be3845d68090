import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { residentBytes } from "../survival/hub-memory.ts";
import { openStage, type Stage } from "./stage.ts";
import { errorOf, type Method, resultOf, wiresTo } from "./wires.ts";

const MIB = 1_048_576;

let stage: Stage;

beforeAll(async () => {
  stage = await openStage({ env: { MESHKORE_OUTBOUND_ALLOW: "127.0.0.0/8" } });
});

afterAll(async () => {
  expect(stage.hub.log()).not.toContain('"level":"error"');
  await stage[Symbol.asyncDispose]();
});

const text = { text: "x" };
const message = (changes: object, more: object = {}) => ({
  message: { messageId: randomUUID(), role: "ROLE_USER", parts: [text], ...changes },
  configuration: { returnImmediately: true },
  ...more,
});
const long = "i".repeat(257);

/** An object of so many levels. */
function nested(levels: number): object {
  let value: object = { end: true };
  for (let level = 1; level < levels; level++) value = { a: value };
  return value;
}

const many = (count: number): object =>
  Object.fromEntries(Array.from({ length: count }, (_, index) => [`k${index}`, index]));

/** What is refused, with the field that says why. */
const REFUSED: readonly (readonly [string, Method, object, string])[] = [
  ["nesting in data", "SendMessage", message({ parts: [{ data: nested(31) }] }), "message.parts[0].data"],
  [
    "nesting in metadata of a part",
    "SendMessage",
    message({ parts: [{ ...text, metadata: nested(31) }] }),
    "message.parts[0].metadata",
  ],
  ["nesting in metadata of a message", "SendMessage", message({ metadata: nested(31) }), "message.metadata"],
  ["nesting in metadata of a request", "SendMessage", message({}, { metadata: nested(31) }), "metadata"],
  ["parts", "SendMessage", message({ parts: Array(1001).fill(text) }), "message.parts"],
  ["characters in a message's id", "SendMessage", message({ messageId: long }), "message.messageId"],
  ["characters in a context's id", "SendMessage", message({ contextId: long }), "message.contextId"],
  ["characters in a task's id", "SendMessage", message({ taskId: long }), "message.taskId"],
  [
    "extensions",
    "SendMessage",
    message({ extensions: Array(101).fill("https://a.test") }),
    "message.extensions",
  ],
  [
    "characters in an extension",
    "SendMessage",
    message({ extensions: ["x".repeat(2049)] }),
    "message.extensions",
  ],
  [
    "references",
    "SendMessage",
    message({ referenceTaskIds: Array(101).fill("t") }),
    "message.referenceTaskIds",
  ],
  [
    "output modes",
    "SendMessage",
    message({}, { configuration: { acceptedOutputModes: Array(101).fill("text/plain") } }),
    "configuration.acceptedOutputModes",
  ],
  ["characters in the id that is asked for", "GetTask", { id: long }, "id"],
  ["characters in the id that is canceled", "CancelTask", { id: long }, "id"],
  ["characters in the id that is followed", "SubscribeToTask", { id: long }, "id"],
  ["tasks on one page", "ListTasks", { pageSize: 101 }, "pageSize"],
  ["tasks on one page, by far", "ListTasks", { pageSize: 2_000_000_000 }, "pageSize"],
  ["characters in the id of a config's task", "ListTaskPushNotificationConfigs", { taskId: long }, "taskId"],
];

describe.each(wiresTo(() => stage.hub))("over $binding", ({ call, binding }) => {
  const ask = (method: Method, params: object) =>
    call(method, params, { agent: "bob", token: stage.alice.token });

  it.each(REFUSED)(
    "too many %s are refused by the name of the field",
    async (_name, method, params, field) => {
      const error = errorOf(await ask(method, params));
      expect(error).toMatchObject({ reason: "INVALID_PARAMS", fields: [field] });
      expect(error.message.length).toBeLessThan(500);
    },
  );

  it("far deeper nesting is refused before anybody walks through it", async () => {
    for (const levels of [60, 90]) {
      const error = errorOf(await ask("SendMessage", message({ parts: [{ data: nested(levels) }] })));
      expect(["INVALID_PARAMS", "PARSE_ERROR"]).toContain(error.reason);
      expect(error.code).toBe(
        {
          JSONRPC: error.reason === "PARSE_ERROR" ? -32700 : -32602,
          ...{ "HTTP+JSON": 400, GRPC: 3 },
        }[binding],
      );
    }
  });

  it("a cursor that is none is refused, however long it is", async () => {
    for (const pageToken of ["x", "x".repeat(4000), "\u0000", "{}"]) {
      expect(errorOf(await ask("ListTasks", { pageToken })).reason).toBe("INVALID_PARAMS");
    }
  });

  it("as much as is allowed is taken, kept, and given back whole", async () => {
    const given = message(
      {
        messageId: "i".repeat(229) + randomUUID().slice(0, 27),
        parts: Array.from({ length: 1000 }, (_, index) => ({ text: `${index}`, metadata: { index } })),
        metadata: many(5000),
        extensions: Array(100).fill("https://a.test/x"),
        referenceTaskIds: Array.from({ length: 100 }, () => randomUUID()),
      },
      { metadata: { deep: nested(29) } },
    );
    const { id } = Object(resultOf(await ask("SendMessage", given))["task"]);
    const task = resultOf(await ask("GetTask", { id }));
    const [said] = task["history"] as (typeof given.message)[];
    expect(said).toMatchObject({ ...given.message, contextId: task["contextId"], taskId: id });
    expect(task["metadata"]).toEqual({ deep: nested(29) });
  });

  it("a message beyond the largest payload is refused, whatever of it is large", async () => {
    const large = "x".repeat(1_100_000);
    for (const changes of [
      { parts: [{ text: large }] },
      { parts: [{ raw: Buffer.alloc(1_100_000).toString("base64") }] },
      { parts: [{ data: { large } }] },
      { metadata: { large } },
      { metadata: many(100_000) },
    ]) {
      const error = errorOf(await ask("SendMessage", message(changes)));
      // What is much too large the library refuses, and has no reason for it.
      expect(["TOO_LARGE", ...(binding === "GRPC" ? [""] : [])]).toContain(error.reason);
      expect(error.code).toBe({ JSONRPC: -32000, "HTTP+JSON": 413, GRPC: 8 }[binding]);
    }
    const listed = resultOf(await ask("ListTasks", { pageSize: 1 }));
    expect(JSON.stringify(listed)).not.toContain(large);
  });

  it("requests of many megabytes at once cost the hub no more than they must", {
    timeout: 90_000,
  }, async () => {
    const before = residentBytes(stage.hub.pid).own;
    const huge = message({ parts: [{ text: "x".repeat(12 * MIB) }] });
    // Ended by the listener, which does not let such a body in at all: an answer, or the end of the connection.
    const outcomes = await Promise.all(
      Array.from({ length: 8 }, () => ask("SendMessage", huge).catch((thrown: unknown) => ({ thrown }))),
    );
    for (const outcome of outcomes) expect("result" in outcome).toBe(false);
    expect(resultOf(await ask("ListTasks", {}))).toHaveProperty("tasks");
    expect(residentBytes(stage.hub.pid).own - before).toBeLessThan(96 * MIB);
  });
});
