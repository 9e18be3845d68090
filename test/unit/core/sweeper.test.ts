import { describe, expect, it } from "vitest";
import { CoreFixture, DAY_MS, KeptSink, readerOf, receiptsIn } from "../../support/core-fixture.ts";

async function withAgents(): Promise<CoreFixture> {
  const fixture = await CoreFixture.open();
  await fixture.addAgents("ann", "bob", "cy");
  return fixture;
}

async function committed(fixture: CoreFixture): Promise<number> {
  return (await fixture.log.acked("inbox/bob", "inbox")).offset;
}

async function statuses(fixture: CoreFixture, ids: readonly string[]): Promise<string[]> {
  return Promise.all(ids.map(async (id) => (await fixture.core.ladder.status("ann", id)).state));
}

describe("the sweeper", () => {
  it("ends what is due, in the middle too, and moves the committed position over an expired beginning only", async () => {
    const fixture = await withAgents();
    const sent = [
      await fixture.send("ann", "bob", "m1", { ttlMs: 1000 }),
      await fixture.send("ann", "bob", "m2", { ttlMs: 1000 }),
      await fixture.send("ann", "bob", "m3"),
      await fixture.send("ann", "bob", "m4", { ttlMs: 1000 }),
      await fixture.send("ann", "bob", "m5", { ttlMs: 5000 }),
    ];
    const ids = sent.map(({ messageId }) => messageId);
    await fixture.core.sweeper.expireDue();
    expect(await committed(fixture)).toBe(0);
    fixture.clock.nowMs += 1000;
    await fixture.core.sweeper.expireDue();
    expect(await committed(fixture)).toBe(2);
    expect(await statuses(fixture, ids)).toEqual(["expired", "expired", "accepted", "expired", "accepted"]);
    fixture.clock.nowMs += 4000;
    await fixture.core.sweeper.expireDue();
    expect((await fixture.stores.outcomes.dead("ann", "", 10)).map(({ messageId }) => messageId)).toEqual([
      ids[4],
      ids[3],
      ids[1],
      ids[0],
    ]);
    const told = async () =>
      (await receiptsIn(fixture.log, "ann")).map(({ status, message_ids }) => [status, message_ids?.[0]]);
    await expect.poll(told).toEqual([ids[0], ids[1], ids[3], ids[4]].map((id) => ["expired", id]));
  });

  it("tells nothing to a sender that wants no receipts, but keeps the end", async () => {
    const fixture = await withAgents();
    const { messageId } = await fixture.send("ann", "bob", "m1", { ttlMs: 1000, noReceipts: true });
    fixture.clock.nowMs += 1000;
    await fixture.core.sweeper.expireDue();
    expect(await statuses(fixture, [messageId])).toEqual(["expired"]);
    expect(await receiptsIn(fixture.log, "ann")).toEqual([]);
  });

  it("never lets a message that was delivered and then expired be told or shown as read", async () => {
    const fixture = await withAgents();
    const { messageId } = await fixture.send("ann", "bob", "m1", { ttlMs: 1000 });
    const other = await fixture.send("ann", "bob", "m2");
    const sink = new KeptSink();
    const attachment = await fixture.core.attachments.attach(readerOf("bob"), {}, sink);
    await expect.poll(() => sink.texts).toEqual(["m1", "m2"]);
    fixture.clock.nowMs += 1000;
    await fixture.core.sweeper.expireDue();
    await attachment.ack({ epoch: 1, offset: 2 });
    await fixture.core.stop();
    const told = await receiptsIn(fixture.log, "ann");
    const readIds = told
      .filter(({ status }) => status === "read")
      .flatMap(({ message_ids }) => message_ids ?? []);
    expect(readIds).toEqual([other.messageId]);
    expect(await statuses(fixture, [messageId, other.messageId])).toEqual(["expired", "read"]);
  });

  it("tries a stream again that failed, and goes on with the others", async () => {
    const fixture = await withAgents();
    const bobs = await fixture.send("ann", "bob", "m1", { ttlMs: 1000 });
    const cys = await fixture.send("ann", "cy", "m1", { ttlMs: 1000 });
    fixture.clock.nowMs += 1000;
    const { read } = fixture.log;
    fixture.log.read = (stream, query) =>
      stream === "inbox/bob" ? Promise.reject(new Error("no disk")) : read.call(fixture.log, stream, query);
    await expect(fixture.core.sweeper.expireDue()).rejects.toThrow("no disk");
    fixture.log.read = read;
    expect(await fixture.stores.outcomes.find(cys.messageId)).toBeDefined();
    expect(await fixture.stores.outcomes.find(bobs.messageId)).toBeUndefined();
    await fixture.core.sweeper.expireDue();
    expect(await fixture.stores.outcomes.find(bobs.messageId)).toBeDefined();
  });

  it("finds in a full pass what was not noted, channels' messages included, and forgets old history", async () => {
    const fixture = await withAgents();
    await fixture.core.channels.create("ann", { name: "team", members: ["bob"] });
    const direct = await fixture.send("ann", "bob", "direct");
    await fixture.send("ann", "#team", "to all");
    await expect.poll(() => fixture.texts("bob")).toEqual(["direct", "to all"]);
    await fixture.restart();
    fixture.clock.nowMs += 7 * DAY_MS;
    await fixture.core.sweeper.sweepAll();
    expect(await committed(fixture)).toBe(2);
    expect(await statuses(fixture, [direct.messageId])).toEqual(["expired"]);

    fixture.clock.nowMs += 31 * DAY_MS;
    await fixture.send("ann", "bob", "new");
    await fixture.core.sweeper.sweepAll();
    expect((await fixture.core.history.page("ann", { peer: "#team" })).envelopes).toEqual([]);
    expect(await fixture.stores.outcomes.find(direct.messageId)).toBeUndefined();
    expect(await fixture.texts("bob")).toEqual(["new"]);
  });

  it("moves a committed position that retention has passed", async () => {
    const fixture = await withAgents();
    await fixture.send("ann", "bob", "trimmed");
    await fixture.log.trim("inbox/bob", Number.POSITIVE_INFINITY);
    await fixture.send("ann", "bob", "kept");
    await fixture.core.sweeper.sweepAll();
    expect(await committed(fixture)).toBe(1);
    expect(await fixture.texts("bob", "1-1")).toEqual(["kept"]);
  });
});
