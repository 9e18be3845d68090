import { describe, expect, it } from "vitest";
import { FirstBatchSink } from "../../../src/core/first-batch-sink.ts";
import {
  CoreFixture,
  codeOf,
  messagesIn,
  NO_SIGNAL,
  readerOf,
  storedMessage,
  textMessage,
  textOfBytes,
} from "../../support/core-fixture.ts";

async function withMessages(count: number): Promise<CoreFixture> {
  const fixture = await CoreFixture.open();
  await fixture.addAgents("ann", "bob");
  for (let sent = 1; sent <= count; sent++) await fixture.send("ann", "bob", `m${sent}`);
  return fixture;
}

function receive(fixture: CoreFixture, input: object = {}, signal: AbortSignal = NO_SIGNAL) {
  return fixture.core.receive.receive(readerOf("bob"), input, signal);
}

async function committed(fixture: CoreFixture): Promise<number> {
  return (await fixture.log.acked("inbox/bob", "inbox")).offset;
}

describe("receive", () => {
  it("starts after the committed ack without a cursor, and acknowledges up to the cursor that is given", async () => {
    const fixture = await withMessages(3);
    const first = await receive(fixture, { limit: 2 });
    expect(messagesIn(first.records).map(({ text }) => text)).toEqual(["m1", "m2"]);
    expect(first.cursor).toBe("1-2");
    expect(messagesIn((await receive(fixture)).records).map(({ text }) => text)).toEqual(["m1", "m2", "m3"]);
    expect(await committed(fixture)).toBe(0);

    const second = await receive(fixture, { cursor: first.cursor });
    expect(messagesIn(second.records).map(({ text }) => text)).toEqual(["m3"]);
    expect(await committed(fixture)).toBe(2);
    const again = await receive(fixture, { cursor: "1-1" });
    expect(messagesIn(again.records).map(({ text }) => text)).toEqual(["m2", "m3"]);
    expect(await committed(fixture)).toBe(2);
  });

  it("acknowledges nothing in manual mode, and repeats the cursor on an empty page", async () => {
    const fixture = await withMessages(2);
    const page = await receive(fixture, { cursor: "1-2", manualAck: true });
    expect(page).toEqual({ records: [], cursor: "1-2" });
    expect(await committed(fixture)).toBe(0);
    expect(await receive(fixture, { cursor: "1-2" })).toEqual({ records: [], cursor: "1-2" });
    expect(await receive(fixture)).toEqual({ records: [], cursor: "1-2" });
  });

  it("refuses cursors that are not of the inbox", async () => {
    const fixture = await withMessages(2);
    expect(await codeOf(receive(fixture, { cursor: "1-3" }))).toBe("gap");
    expect(await codeOf(receive(fixture, { cursor: "2-1" }))).toBe("gap");
    expect(await codeOf(receive(fixture, { cursor: "what" }))).toBe("invalid_argument");
  });

  it("waits only on an empty inbox, and ends with the first batch", async () => {
    const fixture = await withMessages(1);
    expect((await receive(fixture, { waitMs: 60_000 })).records).toHaveLength(1);
    const waiting = receive(fixture, { cursor: "1-1", waitMs: 60_000 });
    await expect.poll(() => fixture.online.get("bob")).toBe(1);
    await fixture.send("ann", "bob", "m2");
    const page = await waiting;
    expect(messagesIn(page.records).map(({ text }) => text)).toEqual(["m2"]);
    expect(page.cursor).toBe("1-2");
    expect(fixture.online.get("bob")).toBe(0);
  });

  it("claims no delivery to a caller that has gone away", async () => {
    const fixture = await withMessages(1);
    const gone = new AbortController();
    gone.abort();
    await receive(fixture, {}, gone.signal);
    const waited = await receive(fixture, { cursor: "1-1", manualAck: true, waitMs: 60_000 }, gone.signal);
    expect(waited).toEqual({ records: [], cursor: "1-1" });
    const { messageId } = await fixture.send("ann", "bob", "m2");
    expect((await fixture.core.ladder.status("ann", messageId)).state).toBe("accepted");
  });

  it("leaves out what has expired, and gives the rest of the page", async () => {
    const fixture = await withMessages(1);
    const { messageId } = await fixture.send("ann", "bob", "short", { ttlMs: 1000 });
    await fixture.send("ann", "bob", "m3");
    fixture.clock.nowMs += 1000;
    expect(await fixture.texts("bob")).toEqual(["m1", "m3"]);
    expect((await fixture.core.ladder.status("ann", messageId)).state).toBe("expired");
    expect(await fixture.stores.outcomes.find(messageId)).toMatchObject({
      state: "expired",
      receiver: "bob",
    });
  });
});

describe("a credential that ends", () => {
  it("ends the long poll that came with it", async () => {
    const fixture = await withMessages(0);
    const polling = codeOf(receive(fixture, { waitMs: 60_000 }));
    await expect.poll(() => fixture.online.get("bob")).toBe(1);
    fixture.credentials.agentEnds("bob");
    expect(await polling).toBe("unauthenticated");
    expect(fixture.online.get("bob")).toBe(0);
  });

  it("ends the wait for a reply, and what was sent is told all the same", async () => {
    const fixture = await withMessages(0);
    const send = async () => {
      const sent = await fixture.send("ann", "bob", "question");
      fixture.credentials.agentEnds("ann");
      await fixture.send("bob", "ann", "answer", { replyTo: sent.messageId });
      return sent;
    };
    const wait = { waitMs: 60_000, signal: NO_SIGNAL, from: "bob" };
    const { sent, reply } = await fixture.core.receive.awaitReply(readerOf("ann"), wait, send);
    expect([sent.offset, reply]).toEqual([1, undefined]);
  });
});

describe("waiting for a reply", () => {
  function request(fixture: CoreFixture, text: string, more: object = {}, waitMs = 60_000) {
    const send = () => fixture.core.relay.send("ann", textMessage("bob", text, more));
    return fixture.core.receive.awaitReply(readerOf("ann"), { waitMs, signal: NO_SIGNAL, from: "bob" }, send);
  }

  it("gives the reply, also one that came before the wait began, and leaves it in the inbox", async () => {
    const fixture = await withMessages(0);
    const send = async () => {
      const sent = await fixture.send("ann", "bob", "question");
      await fixture.send("bob", "ann", "something else");
      await fixture.send("eve", "ann", "forged", { replyTo: sent.messageId });
      await fixture.send("bob", "ann", "answer", { replyTo: sent.messageId });
      return sent;
    };
    const { reply } = await fixture.core.receive.awaitReply(
      readerOf("ann"),
      { waitMs: 60_000, signal: NO_SIGNAL, from: "bob" },
      send,
    );
    expect(reply === undefined ? undefined : textOfBytes(reply.bytes)).toBe("answer");
    expect(await fixture.texts("ann")).toEqual(["something else", "forged", "answer"]);
    expect(fixture.online.get("ann") ?? 0).toBe(0);
  });

  it("finds the reply to a repeated request that was answered before the repeat", async () => {
    const fixture = await withMessages(0);
    const first = await fixture.send("ann", "bob", "question", { dedupeKey: "k" });
    await fixture.send("bob", "ann", "answer", { replyTo: first.messageId });
    const { sent, reply } = await request(fixture, "question", { dedupeKey: "k" });
    expect(sent).toMatchObject({ messageId: first.messageId, duplicate: true });
    expect(reply === undefined ? undefined : textOfBytes(reply.bytes)).toBe("answer");
  });

  it("ends without a reply when the time is over", async () => {
    const fixture = await withMessages(0);
    expect((await request(fixture, "question", {}, 1)).reply).toBeUndefined();
  });
});

describe("the sink of a first batch", () => {
  const record = (offset: number) => ({ epoch: 1, offset, bytes: storedMessage({ id: "x" }) });

  it("takes one batch of wanted records and nothing after it", async () => {
    const sink = new FirstBatchSink(60_000, ({ offset }) => offset > 1);
    expect(sink.write([record(1)])).toBe("ready");
    expect(sink.write([record(1), record(2), record(3)])).toBe("full");
    expect(sink.write([record(4)])).toBe("closed");
    expect((await sink.batch(NO_SIGNAL)).map(({ offset }) => offset)).toEqual([2, 3]);
  });

  it("takes nothing after it was given up", async () => {
    const gone = new AbortController();
    const sink = new FirstBatchSink(60_000, () => true);
    const batch = sink.batch(gone.signal);
    gone.abort();
    expect(await batch).toEqual([]);
    expect(sink.write([record(1)])).toBe("closed");
  });
});
