import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { createRoutes, mayReach, type Routes } from "../../../src/core/routes.ts";
import type { AgentRecord } from "../../../src/model/agent.ts";
import type { AccessRule } from "../../../src/ports/access-store.ts";
import type { AgentChangeListener, Directory } from "../../../src/ports/directory.ts";
import { codeOf } from "../../support/core-fixture.ts";

/** A directory in which everybody exists, and whose answers about rules wait for the test. */
function slowDirectory() {
  const asked: PromiseWithResolvers<readonly AccessRule[]>[] = [];
  const listeners: AgentChangeListener[] = [];
  const directory: Directory = {
    lookup: (agentId) => ({ agentId }) as AgentRecord,
    rules: () => {
      const answer = Promise.withResolvers<readonly AccessRule[]>();
      asked.push(answer);
      return answer.promise;
    },
    onChange: (listener) => {
      listeners.push(listener);
      return () => undefined;
    },
  };
  const routes: Routes = createRoutes({ directory, hubId: "hub.test", checkChannel: async () => undefined });
  const change: AgentChangeListener = (agentId, what) => {
    for (const listener of listeners) listener(agentId, what);
  };
  return { routes, asked, change };
}

describe("routes", () => {
  it("are looked up once, and answered at once after that", async () => {
    const { routes, asked } = slowDirectory();
    const found = routes.resolve("ann", "bob");
    expect(routes.resolve("ann", "bob")).toBe(found);
    await expect.poll(() => asked.length).toBe(1);
    asked[0]?.resolve([]);
    expect(await found).toEqual({ kind: "inbox", to: "bob", stream: "inbox/bob" });
    expect(routes.resolve("ann", "bob")).not.toBeInstanceOf(Promise);
    expect(asked).toHaveLength(1);
  });

  it("that were being looked up when a block came are not kept", async () => {
    const { routes, asked, change } = slowDirectory();
    const before = routes.resolve("ann", "bob");
    await expect.poll(() => asked.length).toBe(1);
    change("bob", "access");
    const after = codeOf(Promise.resolve(routes.resolve("ann", "bob")));
    await expect.poll(() => asked.length).toBe(2);
    asked[1]?.resolve([{ subject: "ann", mode: "block" }]);
    expect(await after).toBe("permission_denied");
    asked[0]?.resolve([]);
    await before;
    const later = codeOf(Promise.resolve(routes.resolve("ann", "bob")));
    await expect.poll(() => asked.length).toBe(3);
    asked[2]?.resolve([{ subject: "ann", mode: "block" }]);
    expect(await later).toBe("permission_denied");
  });

  it("that were refused are looked up anew", async () => {
    const { routes, asked } = slowDirectory();
    const refused = codeOf(Promise.resolve(routes.resolve("ann", "bob")));
    await expect.poll(() => asked.length).toBe(1);
    asked[0]?.reject(new Error("no store"));
    await refused;
    const found = routes.resolve("ann", "bob");
    await expect.poll(() => asked.length).toBe(2);
    asked[1]?.resolve([]);
    expect(await found).toMatchObject({ to: "bob" });
  });

  it("to oneself are never closed by one's own rules", async () => {
    const { routes, asked } = slowDirectory();
    const found = routes.resolve("ann", "ann@hub.test");
    await expect.poll(() => asked.length).toBe(1);
    asked[0]?.resolve([{ subject: "bob", mode: "allow" }]);
    expect(await found).toMatchObject({ to: "ann" });
  });
});

describe("who may reach whom", () => {
  it("is told by the own rule, else by whether there is an allow list", () => {
    const rule = fc.record({
      subject: fc.constantFrom("ann", "bob", "cy", "ann@hub.test"),
      mode: fc.constantFrom("allow" as const, "block" as const),
    });
    // As stores keep them: one rule for each subject.
    const rules = fc.uniqueArray(rule, { selector: ({ subject }) => subject, maxLength: 4 });
    fc.assert(
      fc.property(rules, fc.constantFrom("ann", "bob", "cy", "dan"), (list, from) => {
        const own = list.find(({ subject }) => subject === from);
        const expected =
          own === undefined ? list.every(({ mode }) => mode === "block") : own.mode === "allow";
        expect(mayReach(list, from)).toBe(expected);
      }),
    );
  });
});
