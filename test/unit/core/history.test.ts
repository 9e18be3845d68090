import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { encodePointer } from "../../../src/core/pointer.ts";
import { decodeEnvelope } from "../../../src/model/envelope-codec.ts";
import { CoreFixture, codeOf, storedMessage, textOfBytes } from "../../support/core-fixture.ts";

/** All pages of a conversation; `between` runs after each page. */
async function pages(
  fixture: CoreFixture,
  agentId: string,
  input: { peer: string; limit: number },
  between: () => Promise<void> = async () => undefined,
): Promise<string[]> {
  const texts: string[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < 1000; page++) {
    const answer = await fixture.core.history.page(agentId, {
      ...input,
      ...(cursor === undefined ? {} : { cursor }),
    });
    expect(answer.envelopes.length).toBeLessThanOrEqual(input.limit);
    texts.push(...answer.envelopes.map(textOfBytes));
    cursor = answer.cursor;
    if (cursor === undefined) return texts;
    await between();
  }
  throw new Error("the pages do not end");
}

type Sent = { readonly from: "ann" | "bob" | "cy"; readonly to: "ann" | "bob" };

describe("history", () => {
  it("gives the whole conversation newest first, without loss or repeat, whatever the page size", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgents("ann", "bob", "cy");
    const sent = fc.record({
      from: fc.constantFrom("ann" as const, "bob" as const, "cy" as const),
      to: fc.constantFrom("ann" as const, "bob" as const),
    });
    const all: (Sent & { text: string })[] = [];
    await fc.assert(
      fc.asyncProperty(
        fc.array(sent, { maxLength: 12 }),
        fc.integer({ min: 1, max: 9 }),
        async (more, limit) => {
          for (const { from, to } of more) {
            const text = `m${all.length}`;
            await fixture.send(from, to, text);
            all.push({ from, to, text });
          }
          const expected = all
            .filter(({ from, to }) => (from === "ann" && to === "bob") || (from === "bob" && to === "ann"))
            .map(({ text }) => text)
            .reverse();
          expect(await pages(fixture, "ann", { peer: "bob", limit })).toEqual(expected);
          expect(await pages(fixture, "bob", { peer: "ann@hub.test", limit })).toEqual(expected);
        },
      ),
      { numRuns: 25 },
    );
    const toSelf = all.filter(({ from, to }) => from === "ann" && to === "ann").map(({ text }) => text);
    expect(await pages(fixture, "ann", { peer: "ann", limit: 3 })).toEqual(toSelf.reverse());
  });

  it("keeps older pages free of what is sent while they are read", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgents("ann", "bob");
    await fixture.send("ann", "bob", "old question");
    for (let count = 1; count <= 6; count++) await fixture.send("bob", "ann", `answer ${count}`);
    let later = 0;
    const texts = await pages(fixture, "ann", { peer: "bob", limit: 2 }, async () => {
      later += 1;
      await fixture.send("ann", "bob", `later ${later}`);
      await fixture.send("bob", "ann", `later still ${later}`);
    });
    const answers = [6, 5, 4, 3, 2, 1].map((count) => `answer ${count}`);
    expect(texts).toEqual([...answers, "old question"]);
  });

  it("goes past receipts, channel pointers and 10,000 records of others", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgents("ann", "bob", "cy");
    await fixture.send("bob", "ann", "far back");
    const noise: Promise<unknown>[] = [];
    for (let count = 0; count < 10_100; count++) {
      const id = `01920000-0000-7000-8000-${count.toString().padStart(12, "0")}`;
      const bytes =
        count % 3 === 0
          ? encodePointer({ stream: "channel/team", epoch: 1, offset: 1 })
          : storedMessage({
              id,
              from: count % 3 === 1 ? "cy" : "hub",
              to: "ann",
              kind: count % 3 === 1 ? "MESSAGE" : "RECEIPT",
            });
      noise.push(fixture.log.append("inbox/ann", { id, bytes }));
    }
    await Promise.all(noise);
    const first = await fixture.core.history.page("ann", { peer: "bob" });
    expect(first.envelopes).toEqual([]);
    expect(first.cursor).toBeDefined();
    expect(await pages(fixture, "ann", { peer: "bob", limit: 10 })).toEqual(["far back"]);
  });

  it("ends a page by bytes, but not before its first message", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgents("ann", "bob");
    for (const letter of ["a", "b", "c"]) await fixture.send("ann", "bob", letter.repeat(700_000));
    const page = await fixture.core.history.page("ann", { peer: "bob", limit: 500 });
    expect(page.envelopes).toHaveLength(1);
    const texts = await pages(fixture, "ann", { peer: "bob", limit: 500 });
    expect(texts.map((text) => text[0])).toEqual(["c", "b", "a"]);
  });

  it("of a channel is for its members, and an empty cursor means the newest", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgents("ann", "bob", "cy");
    await fixture.core.channels.create("ann", { name: "team", members: ["bob"] });
    for (let count = 1; count <= 5; count++) await fixture.send("ann", "#team", `m${count}`);
    expect(await pages(fixture, "bob", { peer: "#team", limit: 2 })).toEqual(["m5", "m4", "m3", "m2", "m1"]);
    const newest = await fixture.core.history.page("bob", { peer: "#team", cursor: "", limit: 1 });
    expect(newest.envelopes.map((bytes) => decodeEnvelope(bytes).header.to)).toEqual(["#team"]);
    expect(await codeOf(fixture.core.history.page("cy", { peer: "#team" }))).toBe("permission_denied");
    expect(await codeOf(fixture.core.history.page("ann", { peer: "bob@elsewhere.test" }))).toBe("not_found");
  });

  it("refuses a cursor of another conversation", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgents("ann", "bob");
    expect(await codeOf(fixture.core.history.page("ann", { peer: "bob", cursor: "1-5" }))).toBe(
      "invalid_argument",
    );
    expect(await codeOf(fixture.core.history.page("ann", { peer: "ann", cursor: "1-5~1-5" }))).toBe(
      "invalid_argument",
    );
    expect(await codeOf(fixture.core.history.page("ann", { peer: "bob", cursor: "1-5~what" }))).toBe(
      "invalid_argument",
    );
  });
});
