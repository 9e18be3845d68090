import { describe, expect, it } from "vitest";
import { CoreFixture, codeOf } from "../../support/core-fixture.ts";

async function withTeam(members: readonly string[] = ["bob", "cy"]): Promise<CoreFixture> {
  const fixture = await CoreFixture.open();
  await fixture.addAgents("ann", "bob", "cy", "dan");
  await fixture.core.channels.create("ann", { name: "team", members });
  return fixture;
}

describe("channels", () => {
  it("bring each message to every member but its sender, in one order with their other messages", async () => {
    const fixture = await withTeam();
    await fixture.send("ann", "bob", "direct 1");
    await fixture.send("ann", "#team", "to all 1");
    await fixture.send("bob", "#team", "to all 2");
    await expect.poll(() => fixture.texts("cy")).toEqual(["to all 1", "to all 2"]);
    await expect.poll(() => fixture.texts("bob")).toEqual(["direct 1", "to all 1"]);
    await expect.poll(() => fixture.texts("ann")).toEqual(["to all 2"]);
    expect(await fixture.texts("dan")).toEqual([]);
  });

  it("keep their order, whoever joins or leaves meanwhile, and reach those who stay exactly once", async () => {
    const fixture = await withTeam();
    const expected: string[] = [];
    const work: Promise<unknown>[] = [];
    for (let count = 0; count < 60; count++) {
      expected.push(`m${count}`);
      work.push(fixture.send("ann", "#team", `m${count}`));
      if (count % 10 === 5) work.push(fixture.core.channels.join("dan", "team"));
      if (count % 10 === 9) work.push(fixture.core.channels.leave("dan", "team"));
    }
    await Promise.all(work);
    await expect.poll(async () => (await fixture.texts("bob")).length).toBe(60);
    expect(await fixture.texts("bob")).toEqual(expected);
    await expect.poll(() => fixture.texts("cy")).toEqual(expected);
    const partly = await fixture.texts("dan");
    expect(partly).toEqual(expected.filter((text) => partly.includes(text)));
  });

  it("bring after a crash what was accepted before it", async () => {
    const fixture = await withTeam();
    await fixture.send("ann", "#team", "before");
    await expect.poll(() => fixture.texts("bob")).toEqual(["before"]);
    await fixture.log.append("channel/team", {
      id: "01920000-0000-7000-8000-000000000001",
      bytes:
        (await fixture.log.read("channel/team", { from: { epoch: 0, offset: 0 }, limit: 1 })).records[0]
          ?.bytes ?? new Uint8Array(),
    });
    await fixture.restart();
    await fixture.core.start();
    await expect.poll(async () => (await fixture.texts("bob")).length).toBe(2);
  });

  it("say that a member has a message only when its pointer is durable", async () => {
    const fixture = await withTeam(["bob"]);
    const { append } = fixture.log;
    let refusals = 0;
    fixture.log.append = (stream, record) => {
      if (stream !== "inbox/bob" || refusals >= 2) return append.call(fixture.log, stream, record);
      refusals += 1;
      return Promise.reject(new Error("disk full"));
    };
    await fixture.send("ann", "#team", "m1");
    await expect.poll(() => refusals).toBe(1);
    expect((await fixture.log.acked("channel/team", "fanout")).offset).toBe(0);
    await expect.poll(() => fixture.texts("bob")).toEqual(["m1"]);
    await expect.poll(async () => (await fixture.log.acked("channel/team", "fanout")).offset).toBe(1);
    expect(fixture.logger.events.filter((event) => event === "fanout.delayed")).toHaveLength(2);
  });

  it("go on with what is kept when retention has passed what was not brought yet", async () => {
    const fixture = await withTeam();
    const { messageId } = await fixture.send("ann", "bob", "a message to copy");
    const place = await fixture.log.locate(messageId);
    expect(place).toBeDefined();
    const bytes = (await fixture.log.read("inbox/bob", { from: { epoch: 0, offset: 0 }, limit: 1 }))
      .records[0]?.bytes;
    await fixture.log.append("channel/team", { id: messageId, bytes: bytes ?? new Uint8Array() });
    await fixture.log.trim("channel/team", Number.POSITIVE_INFINITY);
    await fixture.send("ann", "#team", "kept");
    await expect.poll(() => fixture.texts("cy")).toEqual(["kept"]);
    expect(fixture.logger.events).toContain("fanout.skipped");
  });

  it("start nothing any more when the hub has stopped", async () => {
    const fixture = await withTeam();
    await fixture.core.stop();
    const acked: string[] = [];
    const { acked: askMark } = fixture.log;
    fixture.log.acked = (stream, reader) => {
      acked.push(stream);
      return askMark.call(fixture.log, stream, reader);
    };
    await fixture.send("ann", "#team", "late");
    expect(acked).toEqual([]);
    expect(await fixture.texts("bob")).toEqual([]);
    await fixture.restart({ isCrash: true });
    await fixture.core.start();
    await expect.poll(() => fixture.texts("bob")).toEqual(["late"]);
  });

  it("that are private do not exist for others, but do for their owner", async () => {
    const fixture = await withTeam();
    const { channels } = fixture.core;
    await channels.create("ann", { name: "secret", members: ["bob"], isPrivate: true });
    expect(await codeOf(channels.join("cy", "secret"))).toBe("not_found");
    expect(await codeOf(fixture.send("cy", "#secret", "?"))).toBe("not_found");
    expect(await codeOf(channels.members("cy", "secret", {}))).toBe("not_found");
    expect((await channels.list("cy", {})).channels.map(({ channelId }) => channelId)).toEqual(["team"]);
    await channels.leave("ann", "secret");
    expect(await codeOf(channels.remove("bob", "secret"))).toBe("permission_denied");
    expect(await codeOf(channels.remove("ann", "secret"))).toBe("no error");
  });

  it("let nobody send who has left, and nobody be added who has blocked the one who adds", async () => {
    const fixture = await withTeam();
    await fixture.send("bob", "#team", "m1");
    await fixture.core.channels.leave("bob", "team");
    expect(await codeOf(fixture.send("bob", "#team", "m2"))).toBe("permission_denied");
    await fixture.block("dan", "ann");
    expect(await codeOf(fixture.core.channels.addMembers("ann", "team", ["dan"]))).toBe("permission_denied");
    expect(await codeOf(fixture.core.channels.addMembers("ann", "team", ["nobody"]))).toBe("not_found");
  });

  it("are as many of one owner as its plan allows, also when they are made at once", async () => {
    const fixture = await withTeam();
    await fixture.addAgent("eve", "free");
    const made = Array.from({ length: 6 }, (_, index) =>
      fixture.core.channels.create("eve", { name: `eve-${index}` }),
    );
    const codes = await Promise.all(made.map(codeOf));
    expect(codes.filter((code) => code === "no error")).toHaveLength(3);
    expect(codes.filter((code) => code === "quota_exceeded")).toHaveLength(3);
  });
});
