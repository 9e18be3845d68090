import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { type LiveInbox, MeshError, meshErrorFromUnknown } from "../../../src/adapter-kit.ts";
import { createEventReader } from "../../../test/support/event-stream.ts";
import { eventsFromInbox } from "../event-stream.ts";
import { recordOf } from "./fake-hub.ts";

type Batch = Awaited<ReturnType<LiveInbox["next"]>>;

/** An inbox whose reads are settled by hand. */
function inboxOf(reads: readonly Promise<Batch>[]): LiveInbox & { isClosed: boolean } {
  let at = 0;
  const inbox = {
    isClosed: false,
    start: { epoch: 1, offset: 6 },
    next: () => reads[at++] ?? Promise.resolve({ done: true as const, value: undefined }),
    return: async () => ({ done: true as const, value: undefined }),
    close() {
      inbox.isClosed = true;
    },
    [Symbol.asyncIterator]: () => inbox,
    [Symbol.asyncDispose]: async () => undefined,
  };
  return inbox;
}

const options = { welcome: '{"cursor":"1-6"}', errorFrom: meshErrorFromUnknown, heartbeatMs: 5 };

async function textOf(stream: AsyncIterable<Uint8Array>): Promise<string[]> {
  const parts: string[] = [];
  for await (const part of stream) parts.push(Buffer.from(part).toString());
  return parts;
}

describe("an inbox as events", () => {
  test("says where it starts, then hands batches on, one part each", async () => {
    const inbox = inboxOf([Promise.resolve({ value: [recordOf(7, "1"), recordOf(8, '{"a":\n2}')] })]);
    const [first, second, ...rest] = await textOf(eventsFromInbox(inbox, options));
    expect(first).toBe('retry: 3000\nevent: welcome\nid: 1-6\ndata: {"cursor":"1-6"}\n\n');
    expect(second).toMatch(
      /^event: message\nid: 1-7\ndata: \{.*"payload":1,"cursor":"1-7"\}\n\nevent: message\nid: 1-8\n/,
    );
    expect(second).toContain('"payload":{"a":\ndata: 2},"cursor":"1-8"}\n\n');
    expect(rest).toEqual([]);
    expect(inbox.isClosed).toBe(true);
  });

  test("carries any JSON payload, however its parts are spaced, to a reader that follows the standard", async () => {
    const space = fc.stringMatching(/^[ \t\r\n]{0,4}$/);
    const payloads = fc.tuple(fc.jsonValue(), space, space, space).map(([value, before, within, after]) => ({
      value,
      text: `${before}{${within}"any"${within}:${after}${JSON.stringify(value)}${before}}${after}`,
    }));
    await fc.assert(
      fc.asyncProperty(fc.array(payloads, { minLength: 1, maxLength: 5 }), async (sent) => {
        const records = sent.map(({ text }, index) => recordOf(7 + index, text));
        const text = (
          await textOf(eventsFromInbox(inboxOf([Promise.resolve({ value: records })]), options))
        ).join("");
        const reader = createEventReader();
        const events = reader.read(text).filter(({ event }) => event === "message");
        expect(events.map(({ id }) => id)).toEqual(records.map(({ offset }) => `1-${offset}`));
        const got = events.map(({ data }) => JSON.parse(data).payload);
        expect(got).toEqual(sent.map(({ value }) => ({ any: JSON.parse(JSON.stringify(value)) })));
      }),
    );
  });

  test("sends comments while nothing comes, and loses nothing by it", async () => {
    const late = Promise.withResolvers<Batch>();
    const events = eventsFromInbox(inboxOf([late.promise]), options);
    await events.next();
    for (let beat = 0; beat < 3; beat++) {
      expect(Buffer.from((await events.next()).value ?? []).toString()).toBe(":\n\n");
    }
    late.resolve({ value: [recordOf(7, "1")] });
    const texts = (await textOf(events)).filter((text) => text !== ":\n\n");
    expect(texts).toHaveLength(1);
    expect(texts[0]).toContain('"payload":1');
  });

  test("tells what ended it, and keeps the inside of a failure to itself", async () => {
    const gap = inboxOf([Promise.reject(new MeshError("gap", "gone", { hint: "start anew" }))]);
    const [, told] = await textOf(eventsFromInbox(gap, options));
    expect(told).toBe(
      'event: error\ndata: {"error":{"code":"gap","message":"gone","hint":"start anew"}}\n\n',
    );
    expect(gap.isClosed).toBe(true);
    const failed = inboxOf([Promise.reject(new Error("secret"))]);
    const [, failure = ""] = await textOf(eventsFromInbox(failed, options));
    expect(failure).toContain('"code":"internal"');
    expect(failure).not.toContain("secret");
  });

  test("closes the inbox when its reader leaves", async () => {
    const inbox = inboxOf([new Promise(() => undefined)]);
    const events = eventsFromInbox(inbox, options);
    await events.next();
    await events.return();
    expect(inbox.isClosed).toBe(true);
  });
});
