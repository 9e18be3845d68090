import { describe, expect, it } from "vitest";
import { createRelay, type RelayDeps } from "../../../src/core/relay.ts";
import type { Route } from "../../../src/core/routes.ts";
import { newCounts } from "../../../src/model/counts.ts";
import type { Priority } from "../../../src/model/envelope.ts";
import type { Appended } from "../../../src/ports/message-log.ts";
import { BOUNDS, CoreFixture, codeOf, textMessage } from "../../support/core-fixture.ts";

/** A relay whose lookups answer when the test says so. */
function slowRelay() {
  const appended: string[] = [];
  const lookups: PromiseWithResolvers<void>[] = [];
  const routes = new Map<string, Promise<Route> | Route>();
  const deps = {
    bounds: BOUNDS,
    counts: newCounts().messages,
    admission: { admit: () => undefined, priority: (_agentId: string, asked: Priority) => asked },
    routes: {
      forget: () => undefined,
      resolve: (_from: string, to: string) => routes.get(to) ?? { kind: "inbox", to, stream: `inbox/${to}` },
    },
    envelopes: {
      stamp: (from: string, to: string, input: { payload: Uint8Array }) => ({
        header: { id: "", from, to, dedupeKey: "", expiresUnixMs: 0 },
        bytes: input.payload,
      }),
    },
    traffic: { count: () => undefined },
    onShortLived: () => undefined,
    onChannelSend: () => undefined,
    log: {
      append: (_stream: string, { bytes }: { bytes: Uint8Array }): Promise<Appended> => {
        appended.push(Buffer.from(bytes).toString());
        return Promise.resolve({ epoch: 1, offset: appended.length, id: "", duplicate: false });
      },
    },
  } as unknown as RelayDeps;
  function slowly(to: string): PromiseWithResolvers<Route> {
    const route = Promise.withResolvers<Route>();
    routes.set(to, route.promise);
    return route;
  }
  return { relay: createRelay(deps), appended, lookups, slowly, routes, deps };
}

function routeTo(to: string): Route {
  return { kind: "inbox", to, stream: `inbox/${to}` };
}

describe("the relay", () => {
  it("keeps the order of one sender's calls when an earlier lookup is slower, and lets other senders pass", async () => {
    const { relay, appended, slowly, routes } = slowRelay();
    const first = slowly("bob");
    const sent = [relay.send("ann", textMessage("bob", "1"))];
    routes.delete("bob");
    sent.push(relay.send("ann", textMessage("bob", "2")), relay.send("ann", textMessage("cy", "3")));
    await relay.send("eve", textMessage("bob", "of eve"));
    expect(appended).toEqual(["of eve"]);
    first.resolve(routeTo("bob"));
    await Promise.all(sent);
    expect(appended).toEqual(["of eve", "1", "2", "3"]);
    await relay.send("ann", textMessage("bob", "4"));
    expect(appended.at(-1)).toBe("4");
  });

  it("does not let a refused message keep or overtake the others", async () => {
    const { relay, appended, slowly, routes } = slowRelay();
    const first = slowly("bob");
    const one = relay.send("ann", textMessage("bob", "1"));
    routes.set("gone", Promise.reject(new Error("nobody")));
    const refused = codeOf(relay.send("ann", textMessage("gone", "2")));
    const last = relay.send("ann", textMessage("cy", "3"));
    await refused;
    expect(appended).toEqual([]);
    first.resolve(routeTo("bob"));
    await Promise.all([one, last]);
    expect(appended).toEqual(["1", "3"]);
  });

  it("accepts durably, once for a repeated dedupe key of the same sender", async () => {
    const fixture = await CoreFixture.open();
    await fixture.addAgents("ann", "bob", "cy");
    const first = await fixture.send("ann", "bob", "m1", { dedupeKey: "k" });
    const [again, others] = await Promise.all([
      fixture.send("ann", "bob", "m1", { dedupeKey: "k" }),
      fixture.send("cy", "bob", "m1 of cy", { dedupeKey: "k" }),
    ]);
    expect(again).toEqual({ ...first, duplicate: true });
    expect(others.duplicate).toBe(false);
    await fixture.restart({ isCrash: true });
    expect(await fixture.texts("bob")).toEqual(["m1", "m1 of cy"]);
  });

  it("refuses what is too large, unknown, blocked or for another hub, and a full inbox", async () => {
    const fixture = await CoreFixture.open({
      maxPayloadBytes: 100,
      maxHeaderBytes: 512,
      inboxMaxMessages: 2,
    });
    await fixture.addAgents("ann", "bob", "cy");
    const send = (to: string, text = "m", more = {}) => codeOf(fixture.send("ann", to, text, more));
    expect(await send("bob", "x".repeat(101))).toBe("too_large");
    expect(await send("bob", "m", { contextId: "x".repeat(600) })).toBe("too_large");
    expect(await send("bob", "m", { contentType: "no\nheader" })).toBe("invalid_argument");
    expect(await send("bob", "m", { dedupeKey: "x".repeat(257) })).toBe("invalid_argument");
    expect(await send("Bob")).toBe("invalid_argument");
    expect(await send("nobody")).toBe("not_found");
    expect(await send("bob@elsewhere.test")).toBe("not_found");
    await fixture.block("cy", "ann");
    expect(await send("cy")).toBe("permission_denied");
    expect([await send("bob@hub.test"), await send("bob"), await send("bob")]).toEqual([
      "no error",
      "no error",
      "inbox_full",
    ]);
    await fixture.removeAgent("bob");
    expect(await send("bob")).toBe("not_found");
  });

  it("stamps an end that is never later than the retention of unread messages", async () => {
    const fixture = await CoreFixture.open({ unreadMs: 5000 });
    await fixture.addAgents("ann", "bob");
    const lives = [undefined, 0, -1, Number.NaN, 1, 4000, 6000, Number.POSITIVE_INFINITY];
    const ends: number[] = [];
    for (const ttlMs of lives) {
      const { messageId } = await fixture.send("ann", "bob", "m", ttlMs === undefined ? {} : { ttlMs });
      fixture.clock.nowMs += 4500;
      ends.push((await fixture.core.ladder.status("ann", messageId)).state === "expired" ? 1 : 0);
      fixture.clock.nowMs -= 4500;
    }
    expect(ends).toEqual([0, 0, 0, 0, 1, 1, 0, 0]);
  });
});
