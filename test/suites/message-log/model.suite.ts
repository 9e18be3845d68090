import fc from "fast-check";
import { describe, it } from "vitest";
import { emptyModel } from "./model.ts";
import { logCommands } from "./model-commands.ts";
import { type LogSubject, LogUnderTest } from "./subject.ts";

export function modelSuite(subject: LogSubject): void {
  describe("against a model", () => {
    it("does what a simple model does, whatever the order of calls", { timeout: 120_000 }, async () => {
      const property = fc.asyncProperty(logCommands(subject.followsClock), async (commands) => {
        const test = await LogUnderTest.open(subject, { stateCapacity: 2 });
        await fc.asyncModelRun(() => ({ model: emptyModel(), real: test }), commands);
      });
      await fc.assert(property, { numRuns: 100, interruptAfterTimeLimit: 60_000 });
    });
  });
}
