import { beforeEach, describe, expect, test } from "vitest";
import { type LiveInbox, openLiveInbox } from "../../../src/api/live-inbox.ts";
import type { AttachInput, Attachment } from "../../../src/api/relay-api.ts";
import { type Call, requireAgent } from "../../../src/model/principal.ts";
import type { LogRecord } from "../../../src/ports/message-log.ts";
import type { Sink } from "../../../src/ports/sink.ts";
import { CoreFixture, codeOf, messagesIn, readerOf, textMessage } from "../../support/core-fixture.ts";

let core: CoreFixture;
let abort: AbortController;

beforeEach(async () => {
  core = await CoreFixture.open();
  await core.addAgents("alice", "bob");
  abort = new AbortController();
});

function callOf(agentId: string, expiresUnixMs?: number): Call {
  const principal = { ...readerOf(agentId), expiresUnixMs };
  return { principal, signal: abort.signal, remoteAddress: "127.0.0.1" };
}

function open(input: AttachInput = {}, call = callOf("bob")): Promise<LiveInbox> {
  const { attachments } = core.core;
  const relay = {
    attach: (asked: Call, what: AttachInput, sink: Sink) =>
      attachments.attach(requireAgent(asked.principal), what, sink),
  };
  return openLiveInbox(relay, call, input);
}

/** An inbox whose pump is the test. */
async function openByHand() {
  const given = Promise.withResolvers<Sink>();
  let resumed = 0;
  const attach = async (_call: Call, _input: AttachInput, sink: Sink): Promise<Attachment> => {
    sink.onReady(() => (resumed += 1));
    given.resolve(sink);
    return { start: { epoch: 1, offset: 0 }, detach: () => undefined } as unknown as Attachment;
  };
  const inbox = await openLiveInbox({ attach }, callOf("bob"), {});
  return { inbox, sink: await given.promise, resumed: () => resumed };
}

function recordsFrom(first: number, count: number): LogRecord[] {
  return Array.from({ length: count }, (_, at) => ({ epoch: 1, offset: first + at, bytes: Buffer.of(0) }));
}

async function take(inbox: LiveInbox, count: number): Promise<string[]> {
  const texts: string[] = [];
  while (texts.length < count) {
    const { value } = await inbox.next();
    texts.push(...messagesIn(value ?? []).map(({ text }) => text));
  }
  return texts;
}

describe("an inbox that is followed", () => {
  test("gives what is there, then what comes, in order", async () => {
    for (const text of ["1", "2", "3"]) await core.send("alice", "bob", text);
    const inbox = await open();
    expect(inbox.start.offset).toBe(0);
    expect(await take(inbox, 3)).toEqual(["1", "2", "3"]);
    const next = take(inbox, 2);
    await core.send("alice", "bob", "4");
    await core.send("alice", "bob", "5");
    expect(await next).toEqual(["4", "5"]);
    await inbox.return?.();
  });

  test("keeps batches small, whatever the log hands out at once", async () => {
    const text = "x".repeat(40_000);
    await Promise.all(Array.from({ length: 20 }, () => core.send("alice", "bob", text)));
    const inbox = await open();
    for (let taken = 0; taken < 20; ) {
      const { value } = await inbox.next();
      expect(value?.length).toBe(1);
      taken += value?.length ?? 0;
    }
    inbox.close();
  });

  test("asks the log for no more than a page while nobody reads", async () => {
    const handed: number[] = [];
    const { inbox, sink, resumed } = await openByHand();
    expect(sink.write(recordsFrom(1, 3))).toBe("full");
    expect(resumed()).toBe(0);
    handed.push(...((await inbox.next()).value ?? []).map(({ offset }) => offset));
    expect(resumed()).toBe(1);
    // A reader that waits takes what comes at once: the pump need not stop.
    const waiting = inbox.next();
    expect(sink.write(recordsFrom(4, 1))).toBe("ready");
    expect(sink.write(recordsFrom(5, 1))).toBe("full");
    handed.push(...((await waiting).value ?? []).map(({ offset }) => offset));
    expect(handed).toEqual([1, 2, 3, 4, 5]);
    expect(resumed()).toBe(2);
    inbox.close();
  });

  test("ends without an error when the caller goes away, also in the middle of a wait", async () => {
    const inbox = await open();
    const waiting = inbox.next();
    expect(core.online.get("bob")).toBe(1);
    abort.abort();
    expect(await waiting).toEqual({ done: true, value: undefined });
    expect(core.online.get("bob")).toBe(0);
  });

  test("is over at once for a caller that went away before it was open", async () => {
    abort.abort();
    const inbox = await open();
    expect(await inbox.next()).toEqual({ done: true, value: undefined });
    expect(core.online.get("bob")).toBe(0);
  });

  test("says that the hub stops", async () => {
    const inbox = await open();
    const waiting = codeOf(inbox.next());
    core.core.drain();
    expect(await waiting).toBe("unavailable");
  });

  test.each([
    ["draining", 2, "unavailable"],
    ["gap", 2, "gap"],
    ["revoked", 0, "unauthenticated"],
    ["expired", 0, "unauthenticated"],
  ] as const)(
    "that ends by %s still hands out %i of the two records that it holds",
    async (reason, count, code) => {
      const { inbox, sink } = await openByHand();
      sink.write(recordsFrom(1, 2));
      sink.close(reason);
      if (count > 0) expect((await inbox.next()).value?.length).toBe(count);
      expect(await codeOf(inbox.next())).toBe(code);
    },
  );

  test("says that the credential ended when the agent is removed", async () => {
    const inbox = await open();
    const waiting = codeOf(inbox.next());
    await core.removeAgent("bob");
    expect(await waiting).toBe("unauthenticated");
    expect(core.online.get("bob")).toBe(0);
  });

  test("is refused with a cursor of elsewhere", async () => {
    expect(await codeOf(open({ cursor: "7-1" }))).toBe("gap");
  });

  test("gives no more than its window until somebody acknowledges", async () => {
    for (const text of ["1", "2", "3"]) await core.send("alice", "bob", text);
    const inbox = await open({ window: 2 });
    expect(await take(inbox, 2)).toEqual(["1", "2"]);
    const waiting = take(inbox, 1);
    await core.core.attachments.commit("bob", { epoch: 1, offset: 1 });
    expect(await waiting).toEqual(["3"]);
    inbox.close();
  });

  test("loses and repeats nothing under a stream of sends", async () => {
    const inbox = await open();
    const sent = Array.from({ length: 500 }, (_, n) => String(n));
    const sending = Promise.all(sent.map((text) => core.core.relay.send("alice", textMessage("bob", text))));
    expect(await take(inbox, sent.length)).toEqual(sent);
    await sending;
    inbox.close();
  });
});
