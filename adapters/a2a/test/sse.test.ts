import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { eventsFrom } from "../outbound/sse.ts";

async function* pieces(bytes: Uint8Array, cuts: readonly number[]): AsyncGenerator<Uint8Array> {
  let at = 0;
  for (const cut of [...cuts].sort((a, b) => a - b)) {
    yield bytes.subarray(at, cut);
    at = cut;
  }
  yield bytes.subarray(at);
}

async function all(events: AsyncIterable<string>): Promise<string[]> {
  const list: string[] = [];
  for await (const event of events) list.push(event);
  return list;
}

async function read(text: string, cuts: readonly number[] = []): Promise<string[]> {
  return all(eventsFrom(pieces(Buffer.from(text), cuts)));
}

describe("server-sent events", () => {
  it.each([
    ["data: one\n\ndata: two\n\n", ["one", "two"]],
    ["data:one\r\n\r\ndata: two\r\rdata: three\n\n", ["one", "two", "three"]],
    ["id: 7\nevent: x\ndata: a\ndata: b\ndata\n\n", ["a\nb\n"]],
    [":\n\n: heartbeat\n\nretry: 5\n\n", []],
    ["data:  two spaces\n\n", [" two spaces"]],
    ["data: broken off\n", []],
    ["data: whole\n\ndata: broken off", ["whole"]],
    ["datax: no\n\n", []],
  ])("%j holds %j", async (text, events) => {
    expect(await read(text)).toEqual(events);
  });

  it("are the same wherever the bytes are split, and whatever ends the lines", async () => {
    const data = fc.array(fc.string({ unit: fc.constantFrom("a", "ü", "😀", " ", ":", "{", '"') }), {
      maxLength: 5,
    });
    const lineEnd = fc.constantFrom("\n", "\r\n", "\r");
    const cuts = fc.array(fc.nat(400), { maxLength: 20 });
    await fc.assert(
      fc.asyncProperty(data, lineEnd, cuts, async (events, end, at) => {
        const text = events.map((event) => `: x${end}data: ${event}${end}${end}`).join("");
        // A CR at the very end may be half of a line end: another line follows, as on a stream that goes on.
        expect(await read(`${text}:${end}`, at)).toEqual(events);
      }),
      { numRuns: 500 },
    );
  });

  it("are refused when one is too large", async () => {
    async function* endless(): AsyncGenerator<Uint8Array> {
      for (;;) yield Buffer.from(`data: ${"a".repeat(1_000_000)}\n`);
    }
    await expect(all(eventsFrom(endless()))).rejects.toMatchObject({ isFinal: true });
  });
});
