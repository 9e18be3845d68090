import { create, type DescMessage, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import * as a2a from "../../../../src/gen/lf/a2a/v1/a2a_pb.js";
import * as own from "../../../../src/gen/meshkore/v1/tasks_pb.js";
import { artifact, message, metadata, part, status } from "./arbitraries.ts";

/** Each message of our own, and the one of A2A that has the same bytes. */
const PAIRS: readonly (readonly [DescMessage, DescMessage])[] = [
  [own.TaskSchema, a2a.TaskSchema],
  [own.TaskStatusSchema, a2a.TaskStatusSchema],
  [own.TaskMessageSchema, a2a.MessageSchema],
  [own.PartSchema, a2a.PartSchema],
  [own.ArtifactSchema, a2a.ArtifactSchema],
];

describe("tasks have A2A's wire", () => {
  test.each(PAIRS.map(([ours, theirs]) => [ours.name, ours, theirs] as const))(
    "%s",
    (_name, ours, theirs) => {
      const shape = ({ fields }: DescMessage) =>
        fields
          .filter(({ number }) => number <= 100)
          .map(({ number, jsonName, fieldKind, proto, oneof }) => [
            number,
            jsonName,
            fieldKind,
            proto.type,
            proto.label,
            oneof?.name,
          ]);
      expect(shape(ours)).toEqual(shape(theirs));
    },
  );

  test("the states and roles have the same numbers", () => {
    const numbers = (values: readonly { name: string; number: number }[]) =>
      values.map(({ name, number }) => `${name.replace("TASK_ROLE", "ROLE")} ${number}`);
    expect(numbers(own.TaskStateSchema.values)).toEqual(numbers(a2a.TaskStateSchema.values));
    expect(numbers(own.TaskRoleSchema.values)).toEqual(numbers(a2a.RoleSchema.values));
  });

  const task = fc
    .record({
      id: fc.uuid(),
      contextId: fc.uuid(),
      status,
      artifacts: fc.array(artifact, { maxLength: 2 }),
      history: fc.array(message, { maxLength: 3 }),
      metadata: metadata.map((value) => value ?? {}),
    })
    .map((fields) => create(own.TaskSchema, fields));

  test("A2A's JSON → a task of ours → A2A's JSON loses and adds nothing", () => {
    fc.assert(
      fc.property(task, (given) => {
        const json = toJson(a2a.TaskSchema, fromBinary(a2a.TaskSchema, toBinary(own.TaskSchema, given)));
        const parsed = fromJson(a2a.TaskSchema, json);
        const ours = fromBinary(own.TaskSchema, toBinary(a2a.TaskSchema, parsed));
        const back = fromBinary(a2a.TaskSchema, toBinary(own.TaskSchema, ours));
        expect(toJson(a2a.TaskSchema, back)).toEqual(json);
        expect(Buffer.from(toBinary(own.TaskSchema, ours)).equals(toBinary(own.TaskSchema, given))).toBe(
          true,
        );
      }),
    );
  });

  test("so do parts of every kind", () => {
    fc.assert(
      fc.property(part, (given) => {
        const theirs = fromBinary(a2a.PartSchema, toBinary(own.PartSchema, given));
        const back = fromBinary(
          own.PartSchema,
          toBinary(a2a.PartSchema, fromJson(a2a.PartSchema, toJson(a2a.PartSchema, theirs))),
        );
        expect(back).toEqual(given);
      }),
    );
  });
});
