import { expect, it } from "vitest";
import { refusedInAll } from "../../../src/model/counts.ts";
import { CoreFixture, codeOf, KeptSink, NO_SIGNAL, readerOf } from "../../support/core-fixture.ts";
import { until } from "../../support/until.ts";

it("counts what is accepted, repeated and refused, each once, whichever way it went", async () => {
  const fixture = await CoreFixture.open({ inboxMaxMessages: 2, maxPayloadBytes: 100 });
  const { counts } = fixture;
  await fixture.addAgents("ann", "bob");
  // The first send waits for a lookup, the second goes straight on.
  const first = await fixture.send("ann", "bob", "one", { dedupeKey: "k" });
  const repeat = await fixture.send("ann", "bob", "one", { dedupeKey: "k" });
  expect(repeat).toMatchObject({ messageId: first.messageId, duplicate: true });
  await fixture.send("ann", "bob", "two");
  expect(counts.messages).toMatchObject({ accepted: 2, duplicates: 1 });
  expect(counts.messages.acceptedBytes).toBeGreaterThan(100);
  expect(refusedInAll(counts.messages)).toBe(0);

  expect(await codeOf(fixture.send("ann", "bob", "three"))).toBe("inbox_full");
  expect(await codeOf(fixture.send("ann", "bob", "x".repeat(101)))).toBe("too_large");
  expect(await codeOf(fixture.send("ann", "nobody", "four"))).toBe("not_found");
  await fixture.block("bob", "ann");
  expect(await codeOf(fixture.send("ann", "bob", "five"))).toBe("permission_denied");
  expect(await codeOf(fixture.send("ann", "not an id", "six"))).toBe("invalid_argument");
  expect(counts.messages.refused).toMatchObject({
    inbox_full: 1,
    too_large: 1,
    not_found: 1,
    permission_denied: 1,
    invalid_argument: 1,
    internal: 0,
  });
  expect(refusedInAll(counts.messages)).toBe(5);
  expect(counts.messages.accepted).toBe(2);
});

it("counts a record each time it is handed over, and once when it is acknowledged", async () => {
  const fixture = await CoreFixture.open();
  const counts = fixture.counts.deliveries;
  await fixture.addAgents("ann", "bob");
  for (const text of ["1", "2", "3"]) await fixture.send("ann", "bob", text, { noReceipts: true });
  const sink = new KeptSink();
  sink.answer = "full";
  const live = await fixture.core.attachments.attach(readerOf("bob"), {}, sink);
  await until("the delivery", () => sink.records.length === 3);
  expect(counts).toMatchObject({ delivered: 3, open: 1, pauses: 0, acknowledged: 0 });
  sink.drain();
  sink.drain();
  expect(counts.pauses).toBe(1);

  await Promise.all([live.ack({ epoch: 1, offset: 1 }), live.ack({ epoch: 1, offset: 2 })]);
  await live.ack({ epoch: 1, offset: 2 });
  expect(counts.acknowledged).toBe(2);
  live.detach();
  live.detach();
  expect(counts.open).toBe(0);

  const { cursor } = await fixture.core.receive.receive(readerOf("bob"), {}, NO_SIGNAL);
  expect(counts.delivered).toBe(4);
  // A long poll that waits is open, and its end is no pause.
  const poll = fixture.core.receive.receive(readerOf("bob"), { cursor, waitMs: 10_000 }, NO_SIGNAL);
  await until("the poll", () => counts.open === 1);
  await fixture.send("ann", "bob", "4", { noReceipts: true });
  await poll;
  expect(counts).toMatchObject({ delivered: 5, acknowledged: 3, open: 0, pauses: 1 });
});

it("counts messages that end unread or fail, and receipts that find no room", async () => {
  const fixture = await CoreFixture.open({ inboxMaxMessages: 2 });
  const counts = fixture.counts.deliveries;
  await fixture.addAgents("ann", "bob");
  await fixture.send("ann", "bob", "short", { ttlMs: 10 });
  const failed = await fixture.send("ann", "bob", "hard");
  fixture.clock.nowMs += 20;
  await fixture.texts("bob");
  expect(counts.expired).toBe(1);
  await fixture.texts("bob");
  expect(counts.expired).toBe(1);
  const result = { ok: false, note: "" };
  await fixture.core.ladder.markProcessed("bob", failed.messageId, result);
  await fixture.core.ladder.markProcessed("bob", failed.messageId, result);
  expect(counts.failed).toBe(1);
  // Half of an inbox is for receipts: there is room for one.
  await until("the receipts", () => counts.receiptsDropped > 0);
});
