import { describe, expect, it } from "vitest";
import { CoreFixture, codeOf, NO_SIGNAL, readerOf, receiptsIn } from "../../support/core-fixture.ts";

async function withMessage(more: object = {}): Promise<{ fixture: CoreFixture; id: string }> {
  const fixture = await CoreFixture.open();
  await fixture.addAgents("ann", "bob", "cy");
  const { messageId } = await fixture.send("ann", "bob", "m1", more);
  return { fixture, id: messageId };
}

async function state(fixture: CoreFixture, id: string, agentId = "ann"): Promise<string> {
  return (await fixture.core.ladder.status(agentId, id)).state;
}

describe("the ladder", () => {
  it("rises from accepted over delivered and read to processed", async () => {
    const { fixture, id } = await withMessage();
    expect(await state(fixture, id)).toBe("accepted");
    const page = await fixture.core.receive.receive(readerOf("bob"), {}, NO_SIGNAL);
    expect(await state(fixture, id)).toBe("delivered");
    expect(await state(fixture, id, "bob")).toBe("delivered");
    await fixture.core.receive.receive(readerOf("bob"), { cursor: page.cursor }, NO_SIGNAL);
    expect(await state(fixture, id)).toBe("read");
    await fixture.core.ladder.markProcessed("bob", id, { ok: true, note: "done" });
    expect(await fixture.core.ladder.status("ann", id)).toMatchObject({ state: "processed", note: "done" });
  });

  it("keeps delivered over a restart", async () => {
    const { fixture, id } = await withMessage();
    await fixture.core.receive.receive(readerOf("bob"), {}, NO_SIGNAL);
    await fixture.restart();
    expect(await state(fixture, id)).toBe("delivered");
  });

  it("tells others nothing", async () => {
    const { fixture, id } = await withMessage();
    expect(await codeOf(fixture.core.ladder.status("cy", id))).toBe("not_found");
    expect(await codeOf(fixture.core.ladder.status("ann", "no id"))).toBe("not_found");
    expect(await codeOf(fixture.core.ladder.markProcessed("ann", id, { ok: true, note: "" }))).toBe(
      "not_found",
    );
    expect(await codeOf(fixture.core.ladder.redrive("bob", id))).toBe("not_found");
  });

  it("never shows read when the message ends between its two looks", async () => {
    const { fixture, id } = await withMessage({ ttlMs: 1000 });
    const { find } = fixture.stores.outcomes;
    let isFirst = true;
    // The sweeper ends the message, and moves the committed position, right at the ladder's look at outcomes.
    Object.assign(fixture.stores.outcomes, {
      find: async (messageId: string) => {
        const before = await find(messageId);
        if (isFirst) {
          isFirst = false;
          fixture.clock.nowMs += 1000;
          await fixture.core.sweeper.expireDue();
        }
        return before;
      },
    });
    expect(await state(fixture, id)).not.toBe("read");
    expect(await state(fixture, id)).toBe("expired");
  });

  it("takes the first end only, and tells the sender once", async () => {
    const { fixture, id } = await withMessage();
    await fixture.core.ladder.markProcessed("bob", id, { ok: false, note: "cannot" });
    await fixture.core.ladder.markProcessed("bob", id, { ok: false, note: "again" });
    expect(await codeOf(fixture.core.ladder.markProcessed("bob", id, { ok: true, note: "" }))).toBe(
      "already_exists",
    );
    expect(await receiptsIn(fixture.log, "ann")).toEqual([
      { status: "failed", to: "bob", message_ids: [id], note: "cannot" },
    ]);
  });

  it("drives a dead message again, also before the sweeper has ended it", async () => {
    const { fixture, id } = await withMessage({ ttlMs: 1000 });
    expect(await codeOf(fixture.core.ladder.redrive("ann", id))).toBe("not_found");
    fixture.clock.nowMs += 1000;
    expect(await state(fixture, id)).toBe("expired");
    const again = await fixture.core.ladder.redrive("ann", id);
    expect(again.messageId).not.toBe(id);
    expect(await fixture.texts("bob")).toEqual(["m1"]);
    expect((await fixture.core.ladder.dead("ann", {})).messages.map(({ messageId }) => messageId)).toEqual([
      id,
    ]);
  });
});
