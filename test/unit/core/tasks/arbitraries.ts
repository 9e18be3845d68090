import { create, fromJson, type JsonObject, type JsonValue } from "@bufbuild/protobuf";
import { TimestampSchema, ValueSchema } from "@bufbuild/protobuf/wkt";
import fc from "fast-check";
import {
  type Artifact,
  ArtifactSchema,
  type Part,
  PartSchema,
  type TaskMessage,
  TaskMessageSchema,
  type TaskStatus,
  TaskStatusSchema,
} from "../../../../src/gen/meshkore/v1/tasks_pb.js";

/** Anything that a task can hold, of every kind. */
const text = fc.string({ unit: "grapheme", maxLength: 12 });
const id = fc.string({ unit: "grapheme-ascii", minLength: 1, maxLength: 8 });

export const json: fc.Arbitrary<JsonValue> = fc
  .jsonValue({ maxDepth: 3 })
  // The wire has one zero.
  .map((value) => JSON.parse(JSON.stringify(value).replaceAll("-0", "0")) as JsonValue);
const metadata: fc.Arbitrary<JsonObject | undefined> = fc.option(
  fc.dictionary(
    fc.string({ maxLength: 5 }).filter((key) => key !== "__proto__"),
    json,
    { maxKeys: 3 },
  ),
  { nil: undefined },
);

const content: fc.Arbitrary<Part["content"]> = fc.oneof(
  text.map((value) => ({ case: "text" as const, value })),
  fc.uint8Array({ maxLength: 20 }).map((value) => ({ case: "raw" as const, value })),
  text.map((value) => ({ case: "url" as const, value })),
  json.map((value) => ({ case: "data" as const, value: fromJson(ValueSchema, value) })),
);

/** A record without the members that are undefined. */
function given<T extends object>(members: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>;
  };
}

export const part: fc.Arbitrary<Part> = fc
  .record({ content, metadata, filename: text, mediaType: text })
  .map((fields) => create(PartSchema, given(fields)));
const parts = fc.array(part, { minLength: 1, maxLength: 3 });
const texts = fc.array(text, { maxLength: 2 });

export const message: fc.Arbitrary<TaskMessage> = fc
  .record({
    messageId: id,
    contextId: text,
    taskId: text,
    role: fc.constantFrom(1, 2),
    parts,
    metadata,
    extensions: texts,
    referenceTaskIds: texts,
  })
  .map((fields) => create(TaskMessageSchema, given(fields)));

export const artifact: fc.Arbitrary<Artifact> = fc
  .record({
    artifactId: fc.constantFrom("a", "b", "c"),
    name: text,
    description: text,
    parts,
    metadata,
    extensions: texts,
  })
  .map((fields) => create(ArtifactSchema, given(fields)));

const timestamp = fc
  .record({
    seconds: fc.bigInt({ min: -62_135_596_800n, max: 253_402_300_799n }),
    nanos: fc.integer({ min: 0, max: 999_999_999 }),
  })
  .map((fields) => create(TimestampSchema, fields));

export const status: fc.Arbitrary<TaskStatus> = fc
  .record({
    state: fc.constantFrom(1, 2, 3, 4, 5, 6, 7, 8),
    message: fc.option(message, { nil: undefined }),
    timestamp: fc.option(timestamp, { nil: undefined }),
  })
  .map((fields) => create(TaskStatusSchema, given(fields)));

export { metadata };
