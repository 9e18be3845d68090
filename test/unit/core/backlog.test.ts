import { expect, it } from "vitest";
import { createBacklog } from "../../../src/core/backlog.ts";
import { CoreFixture } from "../../support/core-fixture.ts";
import { until } from "../../support/until.ts";

function backlogOf(fixture: CoreFixture) {
  const { log, stores, clock, logger } = fixture;
  let lists = 0;
  let failure: Error | undefined;
  const agents = {
    ...stores.agents,
    list: (after: string, limit: number) => {
      lists += 1;
      return failure === undefined ? stores.agents.list(after, limit) : Promise.reject(failure);
    },
  };
  const backlog = createBacklog({ log, agents, clock, logger });
  return {
    backlog,
    lists: () => lists,
    fail: (error: Error | undefined) => {
      failure = error;
    },
  };
}

it("adds up what is unread in all inboxes, of many pages of agents, and names the fullest first", async () => {
  const fixture = await CoreFixture.open();
  const agentIds = Array.from({ length: 450 }, (_, n) => `a${String(n).padStart(3, "0")}`);
  await fixture.addAgents(...agentIds);
  const more = { noReceipts: true };
  for (const to of ["a007", "a449", "a007", "a300", "a007", "a449"])
    await fixture.send("a000", to, "x", more);
  await fixture.core.attachments.commit("a007", { epoch: 1, offset: 1 });
  await fixture.core.attachments.commit("a300", { epoch: 1, offset: 1 });
  const { backlog } = backlogOf(fixture);
  expect(await backlog.fresh()).toEqual({
    unread: 4,
    deepest: [
      { agentId: "a007", unread: 2 },
      { agentId: "a449", unread: 2 },
    ],
  });
});

it("counts what is kept alone: what retention took is not unread", async () => {
  const fixture = await CoreFixture.open();
  await fixture.addAgents("ann", "bob");
  await fixture.send("ann", "bob", "old", { noReceipts: true });
  await fixture.log.trim("inbox/bob", Number.POSITIVE_INFINITY);
  await fixture.send("ann", "bob", "new", { noReceipts: true });
  const { backlog } = backlogOf(fixture);
  expect((await backlog.fresh()).unread).toBe(1);
});

it("looks at most every 30 s, shares a look among those who ask, and never keeps the last known waiting", async () => {
  const fixture = await CoreFixture.open();
  await fixture.addAgents("ann", "bob");
  const { backlog, lists } = backlogOf(fixture);
  expect(backlog.latest()).toBeUndefined();
  await Promise.all([backlog.fresh(), backlog.fresh()]);
  expect(lists()).toBe(1);
  await fixture.send("ann", "bob", "x", { noReceipts: true });
  expect((await backlog.fresh()).unread).toBe(0);
  fixture.clock.nowMs += 30_000;
  expect(backlog.latest()?.unread).toBe(0);
  expect((await backlog.fresh()).unread).toBe(1);
  expect(lists()).toBe(2);
});

it("logs a look that fails, keeps what it knew, and looks again when asked", async () => {
  const fixture = await CoreFixture.open();
  await fixture.addAgents("ann");
  const { backlog, fail } = backlogOf(fixture);
  await backlog.fresh();
  fixture.clock.nowMs += 30_000;
  fail(new Error("the store is gone"));
  await expect(backlog.fresh()).rejects.toThrow("gone");
  expect(backlog.latest()?.unread).toBe(0);
  await until("the log", () => fixture.logger.events.includes("backlog.not_read"));
  fail(undefined);
  expect((await backlog.fresh()).unread).toBe(0);
});
