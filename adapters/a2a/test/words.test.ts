import { fromJson, type JsonValue as ProtoJson, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  MessageSchema,
  StreamResponseSchema,
  TaskPushNotificationConfigSchema,
  TaskSchema,
} from "../../../src/gen/lf/a2a/v1/a2a_pb.js";
import type { JsonObject, JsonValue } from "../../../src/model/json.ts";
import { responseFromOld, taskFromOld } from "../v03/from-old.ts";
import { oldFromAnswer } from "../v03/methods.ts";
import {
  answerFromOldProto,
  oldProtoFromAnswer,
  oldProtoFromPush,
  oldProtoFromTask,
  pushFromOldProto,
  sendFromOldProto,
  taskFromOldProto,
} from "../v03/proto-words.ts";
import { messageFromOld, oldFromMessage, oldFromPush, oldFromTask, pushFromOld } from "../v03/words.ts";

/** JSON with no member that is not there, and no number that a protobuf Value would spell otherwise. */
const json = fc.jsonValue({ maxDepth: 2 }).map((value) => JSON.parse(JSON.stringify(value)) as JsonValue);
const text = fc.string({ unit: "grapheme", minLength: 1, maxLength: 12 });
const struct = fc.dictionary(fc.string({ maxLength: 8 }).filter(isPlainName), json, { maxKeys: 3 });
const base64 = fc.uint8Array({ maxLength: 20 }).map((bytes) => Buffer.from(bytes).toString("base64"));
const texts = fc.array(text, { minLength: 1, maxLength: 3 });

/** A message of 1.0 in the JSON that the hub itself writes: what is empty is left out. */
function optional(
  shape: Readonly<Record<string, fc.Arbitrary<unknown>>>,
  ...required: string[]
): fc.Arbitrary<JsonObject> {
  return fc.record(shape, { requiredKeys: required }) as fc.Arbitrary<JsonObject>;
}

const about = { metadata: struct, mediaType: text, filename: text };
const part = fc.oneof(
  // Texts and data have neither a media type nor a name in 0.3, and metadata that are empty are as none.
  optional({ text: fc.string({ unit: "grapheme" }), metadata: struct }, "text"),
  optional({ raw: base64, ...about }, "raw"),
  optional({ url: fc.webUrl(), ...about }, "url"),
  optional({ data: json, metadata: struct.filter((members) => Object.keys(members).length > 0) }, "data"),
);
const parts = fc.array(part, { minLength: 1, maxLength: 4 });
const message = optional(
  {
    ...{ messageId: text, contextId: text, taskId: text, parts, metadata: struct },
    ...{ extensions: texts, referenceTaskIds: texts },
    role: fc.constantFrom("ROLE_USER", "ROLE_AGENT"),
  },
  "messageId",
  "parts",
  "role",
);
const STATES = [
  ...[
    "SUBMITTED",
    "WORKING",
    "COMPLETED",
    "FAILED",
    "CANCELED",
    "INPUT_REQUIRED",
    "REJECTED",
    "AUTH_REQUIRED",
  ],
].map((name) => `TASK_STATE_${name}`);
const status = optional(
  {
    state: fc.constantFrom(...STATES),
    message,
    timestamp: fc
      .date({ min: new Date("2020-01-01"), max: new Date("2100-01-01"), noInvalidDate: true })
      .map((date) => toJson(TaskSchema, fromJson(TaskSchema, { status: { timestamp: date.toISOString() } })))
      .map((task) => String(Object(Object(task)["status"])["timestamp"])),
  },
  "state",
);
const artifact = optional(
  { artifactId: text, name: text, description: text, parts, metadata: struct, extensions: texts },
  "artifactId",
  "parts",
);
const task = optional(
  {
    ...{ id: text, contextId: text, status, metadata: struct },
    artifacts: fc.array(artifact, { minLength: 1, maxLength: 2 }),
    history: fc.array(message, { minLength: 1, maxLength: 2 }),
  },
  "id",
  "contextId",
  "status",
);
const answer: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record({ task }),
  fc.record({ message }),
  fc.record({
    statusUpdate: optional(
      { taskId: text, contextId: text, status, metadata: struct },
      "taskId",
      "contextId",
      "status",
    ),
  }),
  fc.record({
    artifactUpdate: optional(
      {
        ...{ taskId: text, contextId: text, artifact, metadata: struct },
        ...{ append: fc.constant(true), lastChunk: fc.constant(true) },
      },
      "taskId",
      "contextId",
      "artifact",
    ),
  }),
);
const push = optional(
  {
    ...{ taskId: text, id: text, url: fc.webUrl(), token: text },
    authentication: optional({ scheme: text, credentials: text }, "scheme"),
  },
  "taskId",
  "id",
  "url",
);

/** A member of this name is the prototype, not a member, to whoever builds objects by hand. */
function isPlainName(name: string): boolean {
  return name !== "__proto__";
}

/** Holds for every value, each of which is one that the wire of 1.0 writes just so. */
function always<Desc extends Parameters<typeof fromJson>[0]>(
  schema: Desc,
  values: fc.Arbitrary<JsonObject>,
  check: (value: JsonObject) => void,
): void {
  fc.assert(
    fc.property(values, (value) => {
      expect(toJson(schema, fromJson(schema, value as ProtoJson))).toEqual(value);
      check(value);
    }),
    { numRuns: 500 },
  );
}

describe("what is turned into the words of 0.3 and back is what it was", () => {
  it("a message", () => {
    always(MessageSchema, message, (given) => expect(messageFromOld(oldFromMessage(given))).toEqual(given));
  });

  it("a task", () => {
    always(TaskSchema, task, (given) => expect(taskFromOld(oldFromTask(given))).toEqual(given));
  });

  it("whatever a call or a stream answers", () => {
    always(StreamResponseSchema, answer, (given) =>
      expect(responseFromOld(oldFromAnswer(given))).toEqual(given),
    );
  });

  it("a push notification config", () => {
    always(TaskPushNotificationConfigSchema, push, (given) => {
      const { taskId, pushNotificationConfig } = oldFromPush(given);
      expect({ ...Object(pushFromOld(pushNotificationConfig)), taskId }).toEqual(given);
    });
  });
});

describe("what is turned into the words of 0.3's HTTP+JSON and back is what it was", () => {
  it("a message", () => {
    always(MessageSchema, message, (given) => {
      const { message: old = null } = oldProtoFromAnswer({ message: given });
      expect(sendFromOldProto({ message: old })["message"]).toEqual(given);
      // Older clients name it otherwise.
      expect(sendFromOldProto({ request: old })["message"]).toEqual(given);
    });
  });

  it("a task, and whatever else a call or a stream answers", () => {
    always(StreamResponseSchema, answer, (given) =>
      expect(answerFromOldProto(oldProtoFromAnswer(given))).toEqual(given),
    );
    always(TaskSchema, task, (given) => expect(taskFromOldProto(oldProtoFromTask(given))).toEqual(given));
  });

  it("a push notification config", () => {
    always(TaskPushNotificationConfigSchema, push, (given) => {
      const old = oldProtoFromPush(given);
      expect(old["name"]).toBe(`tasks/${given["taskId"]}/pushNotificationConfigs/${given["id"]}`);
      expect({ ...pushFromOldProto(old), taskId: given["taskId"] }).toEqual(given);
    });
  });
});

describe("what of 0.3 is turned into the words of 1.0 and back is what it was", () => {
  const oldFile = fc.oneof(
    optional({ bytes: base64, name: text, mimeType: text }, "bytes"),
    optional({ uri: fc.webUrl(), name: text, mimeType: text }, "uri"),
  );
  const oldPart = fc.oneof(
    optional(
      { kind: fc.constant("text"), text: fc.string({ unit: "grapheme" }), metadata: struct },
      "kind",
      "text",
    ),
    optional({ kind: fc.constant("file"), file: oldFile, metadata: struct }, "kind", "file"),
    optional({ kind: fc.constant("data"), data: struct, metadata: struct }, "kind", "data"),
  );
  const oldMessage = optional(
    {
      ...{ kind: fc.constant("message"), role: fc.constantFrom("user", "agent") },
      ...{ messageId: text, contextId: text, taskId: text, metadata: struct },
      ...{ extensions: texts, referenceTaskIds: texts },
      parts: fc.array(oldPart, { minLength: 1, maxLength: 4 }),
    },
    "kind",
    "role",
    "messageId",
    "parts",
  );

  it("a message", () => {
    fc.assert(
      fc.property(oldMessage, (given) => {
        const current = messageFromOld(given);
        expect(oldFromMessage(Object(current))).toEqual(given);
        // And it is one that the wire of 1.0 takes.
        expect(toJson(MessageSchema, fromJson(MessageSchema, current as ProtoJson))).toEqual(current);
      }),
      { numRuns: 500 },
    );
  });

  it("every state", () => {
    for (const state of STATES) {
      const given = { id: "t", contextId: "c", status: { state } };
      const old = oldFromTask(given);
      expect(Object(old["status"])["state"]).toMatch(/^[a-z]+(-[a-z]+)?$/);
      expect(taskFromOld(old)).toEqual(given);
    }
  });
});
