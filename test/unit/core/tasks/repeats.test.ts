import { randomUUID } from "node:crypto";
import { create, fromBinary, fromJson, toBinary, toJson } from "@bufbuild/protobuf";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { checkRepeat } from "../../../../src/core/tasks/repeats.ts";
import { TaskMessageSchema, TaskRole } from "../../../../src/gen/meshkore/v1/tasks_pb.js";
import type { Call } from "../../../../src/model/principal.ts";
import { CoreFixture, codeOf, NO_SIGNAL, readerOf } from "../../../support/core-fixture.ts";
import { message } from "./arbitraries.ts";

function by(agentId: string): Call {
  return { principal: readerOf(agentId), signal: NO_SIGNAL, remoteAddress: "127.0.0.1" };
}

function words(value: string, messageId = "") {
  return create(TaskMessageSchema, { messageId, parts: [{ content: { case: "text", value } }] });
}

describe("a message", () => {
  it("is a repeat of itself, however it came, and of what it was before the hub put in what it does not say", () => {
    fc.assert(
      fc.property(message, (given) => {
        const placed = { ...given, messageId: "m", taskId: "t", role: TaskRole.USER };
        const read = fromBinary(TaskMessageSchema, toBinary(TaskMessageSchema, placed));
        const anew = fromJson(TaskMessageSchema, toJson(TaskMessageSchema, given));
        for (const again of [given, read, anew, { ...given, contextId: "" }]) checkRepeat(read, again);
      }),
    );
  });

  it("is no repeat of any other", () => {
    fc.assert(
      fc.property(message, message, (one, other) => {
        const said = ({ parts, metadata, extensions, referenceTaskIds }: typeof one): string =>
          JSON.stringify(
            toJson(TaskMessageSchema, create(TaskMessageSchema, { parts, extensions, referenceTaskIds })),
          ) + JSON.stringify(metadata ?? null);
        fc.pre(said(one) !== said(other));
        expect(() => checkRepeat(one, { ...other, contextId: "" })).toThrow("another message");
      }),
    );
  });
});

describe("a key", () => {
  it("that was given to another message gives no task", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgents("alice", "bob", "carol");
    const { tasks } = fixture.core;
    const give = (text: string, { caller = "alice", to = "bob", contextId = "" } = {}) =>
      tasks.create(by(caller), {
        to,
        message: { ...words(text), contextId },
        dedupeKey: "k",
      });
    const first = await give("do it");
    expect(await codeOf(give("do something else"))).toBe("already_exists");
    expect(await codeOf(give("do it", { contextId: randomUUID() }))).toBe("already_exists");
    expect((await give("do it")).task.id).toBe(first.task.id);
    expect((await give("do it", { contextId: first.task.contextId })).task.id).toBe(first.task.id);
    // Of another caller, and to another agent, it is another key.
    expect((await give("something else", { to: "carol" })).duplicate).toBe(false);
    expect((await give("something else", { caller: "carol" })).duplicate).toBe(false);
  });

  it("that was given to another message of the task is no turn, also when the task has ended or was read anew", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgents("alice", "bob");
    const { task } = await fixture.core.tasks.create(by("alice"), {
      to: "bob",
      message: words("do it", "m1"),
    });
    const say = (text: string, id: string) => fixture.core.tasks.say(by("alice"), task.id, words(text, id));
    expect((await say("more", "m2")).sequence).toBe(2n);
    for (const again of ["before the end", "after it", "after a restart"]) {
      expect(await codeOf(say(again, "m2"))).toBe("already_exists");
      expect(await codeOf(say(again, "m1"))).toBe("already_exists");
      expect((await say("more", "m2")).history).toHaveLength(2);
      if (again === "before the end") await fixture.core.tasks.cancel(by("alice"), task.id);
      else await fixture.restart();
    }
  });
});
