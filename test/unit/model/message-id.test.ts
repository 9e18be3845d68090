import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createMessageIds, isUuid, unixMsFromMessageId } from "../../../src/model/message-id.ts";

const START_MS = Date.UTC(2030, 0, 1);

describe("message ids", () => {
  test("rise strictly, whatever the clock does", () => {
    const jumps = fc.array(
      fc.tuple(
        fc.oneof(
          fc.constant(0),
          fc.integer({ min: -1_000_000, max: 1_000_000 }),
          fc.integer({ min: -2, max: 2 }),
        ),
        fc.integer({ min: 1, max: 40 }),
      ),
      { minLength: 1, maxLength: 30 },
    );
    fc.assert(
      fc.property(jumps, (steps) => {
        let nowMs = START_MS;
        const nextId = createMessageIds(() => nowMs);
        let last = "";
        for (const [jump, count] of steps) {
          nowMs += jump;
          for (let n = 0; n < count; n++) {
            const id = nextId();
            expect(isUuid(id) && id > last).toBe(true);
            last = id;
          }
        }
      }),
      { numRuns: 300 },
    );
  });

  test("rise within one millisecond beyond what its counter holds", () => {
    const nextId = createMessageIds(() => START_MS);
    let last = "";
    for (let n = 0; n < 20_000; n++) {
      const id = nextId();
      if (id <= last) throw new Error(`${id} after ${last}`);
      last = id;
    }
    expect(unixMsFromMessageId(last) - START_MS).toBe(Math.floor(19_999 / 4096));
  });

  test("are of version 7, of the RFC's variant, and tell their time", () => {
    const id = createMessageIds(() => START_MS)();
    expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/);
    expect(unixMsFromMessageId(id)).toBe(START_MS);
  });

  test("of two makers do not meet, although they count alike", () => {
    const [one, two] = [createMessageIds(() => START_MS), createMessageIds(() => START_MS)];
    const ids = new Set(Array.from({ length: 2000 }, () => [one(), two()]).flat());
    expect(ids.size).toBe(4000);
  });

  test.each([
    "",
    "x",
    "0".repeat(36),
    "01890a5d-ac96-774b-bcce-b302099a805",
    "01890A5D-AC96-774B-BCCE-B302099A8057",
  ])("%j is no id", (text) => expect(isUuid(text)).toBe(false));
});
