import type { Message } from "@a2a-js/sdk";
import { ContentTypeNotSupportedError, TaskNotFoundError } from "@a2a-js/sdk/errors";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { BINDINGS, collect, openStage, outline, type Stage, says, sdkClient, textOf } from "./stage.ts";

let stage: Stage;

beforeAll(async () => {
  stage = await openStage();
  const { hub } = stage;
  await hub.join("lexa", {
    profile: {
      description: "Translates contracts into German",
      capabilities: ["legal translation"],
      visibility: "public",
    },
  });
  await hub.join("ghost", { profile: { capabilities: ["legal translation"], visibility: "hidden" } });
});

afterAll(() => stage?.[Symbol.asyncDispose]());

describe.each(BINDINGS)("the hub itself, asked on %s", (binding) => {
  async function ask(question: string, token?: string): Promise<string> {
    const client = await sdkClient(stage.hub.http, binding, token);
    const answer = (await client.sendMessage(says(question))) as Message;
    expect(answer.messageId).not.toBe("");
    return textOf(answer);
  }

  it("says what it is, to anybody", async () => {
    for (const question of ["What is this?", "hello", "who are you"]) {
      expect(await ask(question)).toContain("This is localhost, a MeshKore hub");
    }
  });

  it("says how to join", async () => {
    expect(await ask("How do I join?")).toContain(`${stage.hub.http}/join/<nonce>`);
  });

  it("finds who can do something, of those whom the caller may see", async () => {
    const stranger = await ask("Who can do legl translatin?");
    expect(stranger).toContain(`${stage.hub.http}/a2a/lexa`);
    expect(stranger).not.toContain("bob");
    expect(stranger).not.toContain("ghost");
    const member = await ask("which agents are there that can echo?", stage.alice.token);
    expect(member).toContain("- bob (echo): does what he is told.");
    expect(await ask("who can knit socks?", stage.alice.token)).toContain("I found no agent");
  });

  it("streams one message", async () => {
    const client = await sdkClient(stage.hub.http, binding, undefined);
    const items = outline(await collect(client.sendMessageStream(says("help"))));
    expect(items).toEqual([expect.stringContaining("message This is localhost")]);
  });

  it("reads text alone, and has no tasks", async () => {
    const client = await sdkClient(stage.hub.http, binding, stage.alice.token);
    const request = says("");
    const part = { content: { $case: "raw" as const, value: Buffer.from("x") }, metadata: undefined };
    request.message?.parts.splice(0, 1, { ...part, filename: "", mediaType: "application/x-odd" });
    await expect(client.sendMessage(request)).rejects.toBeInstanceOf(ContentTypeNotSupportedError);
    const wanted = { tenant: "", id: "x", historyLength: undefined };
    await expect(client.getTask(wanted)).rejects.toBeInstanceOf(TaskNotFoundError);
  });
});
