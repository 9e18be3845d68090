import { describe, expect, it } from "vitest";
import { CoreFixture, codeOf, KeptSink, readerOf, receiptsIn } from "../../support/core-fixture.ts";

async function withAgents(...agentIds: string[]): Promise<CoreFixture> {
  const fixture = await CoreFixture.open();
  await fixture.addAgents(...agentIds);
  return fixture;
}

describe("attachments", () => {
  it("deliver what is there and what comes, to every session of the agent", async () => {
    const fixture = await withAgents("ann", "bob");
    await fixture.send("ann", "bob", "m1");
    const [one, other] = [new KeptSink(), new KeptSink()];
    await fixture.core.attachments.attach(readerOf("bob"), {}, one);
    await fixture.core.attachments.attach(readerOf("bob"), {}, other);
    expect(fixture.online.get("bob")).toBe(2);
    await fixture.send("ann", "bob", "m2");
    await expect
      .poll(() => [one.texts, other.texts])
      .toEqual([
        ["m1", "m2"],
        ["m1", "m2"],
      ]);
  });

  it("give nothing to a full sink until it is ready, whatever is acknowledged, resumed or widened", async () => {
    const fixture = await withAgents("ann", "bob");
    const sink = new KeptSink();
    sink.answer = "full";
    const attachment = await fixture.core.attachments.attach(readerOf("bob"), { window: 10 }, sink);
    await fixture.send("ann", "bob", "m1");
    await expect.poll(() => sink.texts).toEqual(["m1"]);
    await fixture.send("ann", "bob", "m2");
    await attachment.ack({ epoch: 1, offset: 1 });
    attachment.setWindow(20);
    attachment.pause();
    attachment.resume();
    // A second reader shows that m2 could have been delivered.
    const other = new KeptSink();
    await fixture.core.attachments.attach(readerOf("bob"), {}, other);
    await expect.poll(() => other.texts).toEqual(["m2"]);
    expect(sink.texts).toEqual(["m1"]);
    sink.drain();
    await expect.poll(() => sink.texts).toEqual(["m1", "m2"]);
  });

  it("keep a window of unacknowledged messages that any session of the agent opens", async () => {
    const fixture = await withAgents("ann", "bob");
    const [narrow, wide] = [new KeptSink(), new KeptSink()];
    await fixture.core.attachments.attach(readerOf("bob"), { window: 2 }, narrow);
    const second = await fixture.core.attachments.attach(readerOf("bob"), {}, wide);
    for (const text of ["m1", "m2", "m3", "m4", "m5"]) await fixture.send("ann", "bob", text);
    await expect.poll(() => wide.texts.length).toBe(5);
    expect(narrow.texts).toEqual(["m1", "m2"]);
    await second.ack({ epoch: 1, offset: 2 });
    await expect.poll(() => narrow.texts).toEqual(["m1", "m2", "m3", "m4"]);
    await fixture.core.attachments.commit("bob", { epoch: 1, offset: 5 });
    await expect.poll(() => narrow.texts).toEqual(["m1", "m2", "m3", "m4", "m5"]);
  });

  it("claim no delivery to a sink that was closed", async () => {
    const fixture = await withAgents("ann", "bob");
    const sink = new KeptSink();
    sink.answer = "closed";
    await fixture.core.attachments.attach(readerOf("bob"), {}, sink);
    const { messageId } = await fixture.send("ann", "bob", "m1");
    await expect.poll(() => sink.closedBy).toBe("closed");
    expect(fixture.online.get("bob")).toBe(0);
    expect((await fixture.core.ladder.status("ann", messageId)).state).toBe("accepted");
    await fixture.core.stop();
    expect(await receiptsIn(fixture.log, "ann")).toEqual([]);
  });

  it("are so many of one agent at most, also when they come at once", async () => {
    const fixture = await withAgents("bob");
    const attempts = Array.from({ length: 12 }, () =>
      fixture.core.attachments.attach(readerOf("bob"), {}, new KeptSink()),
    );
    const codes = await Promise.all(attempts.map(codeOf));
    expect(codes.filter((code) => code === "no error")).toHaveLength(8);
    expect(codes.filter((code) => code === "rate_limited")).toHaveLength(4);
    const attached = await attempts[0];
    attached?.detach();
    expect(await codeOf(fixture.core.attachments.attach(readerOf("bob"), {}, new KeptSink()))).toBe(
      "no error",
    );
  });

  it("give a place back when the start fails", async () => {
    const fixture = await withAgents("bob");
    for (let attempt = 0; attempt < 20; attempt++) {
      expect(
        await codeOf(fixture.core.attachments.attach(readerOf("bob"), { cursor: "1-99" }, new KeptSink())),
      ).toBe("gap");
    }
    expect(await codeOf(fixture.core.attachments.attach(readerOf("bob"), {}, new KeptSink()))).toBe(
      "no error",
    );
  });

  it("end when the agent is removed, also those that are being opened", async () => {
    const fixture = await withAgents("bob");
    const sink = new KeptSink();
    await fixture.core.attachments.attach(readerOf("bob"), {}, sink);
    const opening = fixture.core.attachments.attach(readerOf("bob"), {}, new KeptSink());
    await fixture.removeAgent("bob");
    expect(sink.closedBy).toBe("revoked");
    expect(await codeOf(opening)).toBe("unauthenticated");
    expect(fixture.online.get("bob")).toBe(0);
  });

  it("end with what they were opened with, in the same turn, and no others do", async () => {
    const fixture = await withAgents("bob");
    const [old, fresh] = [new KeptSink(), new KeptSink()];
    const newKey = { ...readerOf("bob"), credential: { keyHash: "new-key", kid: undefined } };
    await fixture.core.attachments.attach(readerOf("bob"), {}, old);
    await fixture.core.attachments.attach(newKey, {}, fresh);
    fixture.credentials.keysEnd("bob", "new-key", 0);
    expect([old.closedBy, fresh.closedBy]).toEqual(["revoked", undefined]);
    expect(fixture.online.get("bob")).toBe(1);
    await fixture.send("bob", "bob", "m1");
    await expect.poll(() => fresh.texts).toEqual(["m1"]);
    expect(old.texts).toEqual([]);
  });

  it("end when the hub stops, and none is opened after that", async () => {
    const fixture = await withAgents("bob");
    const sink = new KeptSink();
    await fixture.core.attachments.attach(readerOf("bob"), {}, sink);
    const opening = fixture.core.attachments.attach(readerOf("bob"), {}, new KeptSink());
    await fixture.core.stop();
    expect(sink.closedBy).toBe("draining");
    expect(await codeOf(opening)).toBe("unavailable");
    expect(await codeOf(fixture.core.attachments.attach(readerOf("bob"), {}, new KeptSink()))).toBe(
      "unavailable",
    );
  });

  it("start with what is kept when retention has passed the committed position", async () => {
    const fixture = await withAgents("ann", "bob");
    await fixture.send("ann", "bob", "trimmed");
    await fixture.log.trim("inbox/bob", Number.POSITIVE_INFINITY);
    await fixture.send("ann", "bob", "kept");
    const sink = new KeptSink();
    await fixture.core.attachments.attach(readerOf("bob"), {}, sink);
    await expect.poll(() => sink.texts).toEqual(["kept"]);
    expect(await fixture.texts("bob")).toEqual(["kept"]);
    expect(
      await codeOf(fixture.core.attachments.attach(readerOf("bob"), { cursor: "1-0" }, new KeptSink())),
    ).toBe("gap");
  });
});
